"""The study that `spec vertex-hptuning` writes, and trials that the job would refuse."""

import pytest
import yaml

from tests.support.arguments import parse
from tests.support.specs import BUCKET, IMAGE, env_of, mistakes_of, spec_of


def test_trials_vary_what_was_asked_for():
    """Ranges of numbers, whole ones among them, lists of numbers and lists of words."""
    wanted = (
        "learning_rate=1e-5..1e-4:log,epochs=2..5,batch_size=32|16,lr_scheduler=linear|constant"
    )
    text = spec_of("vertex-hptuning", IMAGE, BUCKET, f"--tuning_parameters={wanted}")
    study = yaml.safe_load(text)["studySpec"]
    assert study["metrics"] == [{"metricId": "val_f1", "goal": "MAXIMIZE"}]
    rate, epochs, batch, scheduler = study["parameters"]
    assert rate["doubleValueSpec"] == {"minValue": 1e-5, "maxValue": 1e-4}
    assert (rate["scaleType"], epochs["scaleType"]) == ("UNIT_LOG_SCALE", "UNIT_LINEAR_SCALE")
    assert epochs["integerValueSpec"] == {"minValue": "2", "maxValue": "5"}
    assert batch["discreteValueSpec"] == {"values": [16.0, 32.0]}
    assert scheduler["categoricalValueSpec"] == {"values": ["linear", "constant"]}


@pytest.mark.parametrize(
    ("given", "metric"),
    [((), ("max val_f1", "MAXIMIZE")), (("--monitor=min val_loss",), ("min val_loss", "MINIMIZE"))],
)
def test_the_study_reads_what_its_trials_report(given, metric):
    """The specification says MONITOR outright: an image with another default changes nothing."""
    spec = yaml.safe_load(spec_of("vertex-hptuning", IMAGE, BUCKET, *given))
    [pool] = spec["trialJobSpec"]["workerPoolSpecs"]
    monitor, goal = metric
    assert env_of(pool)["MONITOR"] == monitor
    [read] = spec["studySpec"]["metrics"]
    assert read == {"metricId": monitor.split()[1], "goal": goal}


def test_a_trial_s_flags_are_understood():
    """Vertex AI appends them after `args`; a whole number may come with a dot."""
    words = ["train", "--batch_size=16.0", "--learning_rate", "3e-5"]
    settings = parse(words, {"BATCH_SIZE": "8"}).settings
    assert (settings.batch_size, settings.learning_rate) == (16, 3e-5)


@pytest.mark.parametrize(
    ("parameters", "mistake"),
    [
        ("lr=1..2", "any of learning_rate, batch_size, epochs"),
        ("epochs=5..2", "a range of epochs that rises"),
        ("hf_token=a|b", "'hf_token' is none."),
        ("accelerator=cpu|gpu", "'accelerator' is none."),
        ("batch_size=-1|16", "batch_size must be greater than or equal to 0"),
        ("learning_rate=0.1..2", "must be less than or equal to 1, not 2"),
        ("batch_size=16|16", "a list of different values for batch_size"),
        ("seed=1|2,seed=3|4", "a list that names seed once"),
        ("warmup_ratio=0|0.1", "a trial with warmup_ratio=0.1 would be refused: only LR_"),
        ("window_stride=8..62", "a trial with window_stride=62 would be refused: WINDOW_STRIDE"),
        ("window_stride=8|20,max_seq_length=16|64", "with window_stride=20, max_seq_length=16"),
        ("pretrained_model_name=a/b|./model", "./model: a machine in the cloud has no such folder"),
    ],
)
def test_trials_that_would_be_refused_are_not_asked_for(parameters, mistake):
    """Each of them would cost a machine's start."""
    [found] = mistakes_of("vertex-hptuning", IMAGE, BUCKET, f"--tuning_parameters={parameters}")
    assert mistake in found


def test_a_trial_s_secret_is_not_shown_where_it_is_refused():
    """The refusal is read by whoever reads the log."""
    parameters = "pretrained_model_name=a/b|https://me:hunter2@h/c"
    [found] = mistakes_of("vertex-hptuning", IMAGE, BUCKET, f"--tuning_parameters={parameters}")
    assert "https://(secret)@h/c: a specification would show the password" in found
    assert "hunter2" not in found


def test_an_argument_that_every_trial_replaces_is_not_judged():
    """Its own value is never used."""
    argv = ("vertex-hptuning", IMAGE, BUCKET, "--window_stride=80")
    study = yaml.safe_load(spec_of(*argv, "--tuning_parameters=max_seq_length=128|256"))
    [varied] = study["studySpec"]["parameters"]
    assert varied["parameterId"] == "max_seq_length"
    [pool] = study["trialJobSpec"]["workerPoolSpecs"]
    assert env_of(pool)["WINDOW_STRIDE"] == "80"
    assert "MAX_SEQ_LENGTH" not in env_of(pool)
    [found] = mistakes_of(*argv, "--tuning_parameters=max_seq_length=64|256")
    assert "a trial with max_seq_length=64 would be refused" in found


def test_what_rules_look_at_together_is_judged_together():
    """Windows are cut in some trials only, and there the stride that was given is too long."""
    argv = ("vertex-hptuning", IMAGE, BUCKET, "--long_sentences=truncate")
    several = "long_sentences=truncate|window,window_stride=16|80"
    [found] = mistakes_of(*argv, f"--tuning_parameters={several}")
    assert "a trial with window_stride=80, long_sentences=window would be refused" in found
    alone = "--tuning_parameters=long_sentences=truncate|window"
    [found] = mistakes_of(*argv, alone, "--window_stride=80")
    assert "a trial with long_sentences=window would be refused" in found


def test_defaults_of_a_trial_follow_its_arguments():
    """A shorter window has a shorter stride unless one is set."""
    text = spec_of("vertex-hptuning", IMAGE, BUCKET, "--tuning_parameters=max_seq_length=16|64")
    [pool] = yaml.safe_load(text)["trialJobSpec"]["workerPoolSpecs"]
    assert not {"MAX_SEQ_LENGTH", "WINDOW_STRIDE"} & env_of(pool).keys()


def test_more_trials_at_a_time_than_in_all_are_refused():
    """But only where there are trials."""
    [found] = mistakes_of("vertex-hptuning", IMAGE, BUCKET, "--max_trials=1")
    assert "no more trials can run at a time than there are in all" in found
    spec_of("vertex-gpu", IMAGE, BUCKET, environ={"MAX_TRIALS": "1"})
