"""The command line: commands, flags in their spellings, and what is said of wrong ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.errors import ArgumentError
from job.settings.parsing import Parsed
from job.settings.settings import Settings
from tests.support.arguments import parse

NOWHERE = Path("/nonexistent")


def settings_of(*argv, environ=None, cwd=NOWHERE):
    return parse(argv, environ or {}, cwd).settings


def mistakes_of(*argv, environ=None, cwd=NOWHERE):
    with pytest.raises(ArgumentError) as caught:
        parse(argv, environ or {}, cwd)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    "argv",
    [
        ["--max_seq_length=128"],
        ["--max_seq_length", "128"],
        ["--max-seq-length", "128"],
        ["--MAX_SEQ_LENGTH=128"],
        ["--max_seq_length=32", "--max_seq_length=128"],  # tuning appends its own
        ["train", "--max_seq_length", " 128 "],
    ],
)
def test_a_flag_may_be_spelt_in_several_ways(argv):
    """Lower or upper case, `-` or `_`, `=` or a space; the last of two counts."""
    parsed = parse(argv, {}, NOWHERE)
    assert parsed.settings.max_seq_length == 128
    assert parsed.sources["max_seq_length"].startswith("flag --")


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        (["--fp16"], True),
        (["--fp16=true"], True),
        (["--fp16", "true"], True),
        (["--fp16", "False"], False),
        (["--fp16=0"], False),
        (["--fp16", "--seed=3"], True),
        ([], False),
    ],
)
def test_a_true_or_false_flag_may_stand_alone(argv, value):
    """Alone it means true, and the next word is its value only where it is one."""
    assert settings_of(*argv).fp16 is value


def test_a_true_or_false_flag_does_not_swallow_an_operand():
    """`predict --fp16 in.txt out.txt` keeps both files."""
    parsed = parse(["predict", "--fp16", "in.txt", "out.txt"], {}, NOWHERE)
    assert parsed.operands == ("in.txt", "out.txt")


@pytest.mark.parametrize(
    ("argv", "mistake"),
    [
        (["chekc"], "'chekc': unknown command; is 'check' meant?"),
        (
            ["세상"],
            "'세상': unknown command; the commands are train, check, predict, evaluate, convert, "
            "spec and completion.",
        ),
        (["check", "x"], "'x': check takes flags only; see --help."),
        (["predict", "in"], "predict needs IN and OUT; received 1 word; see --help."),
        (["evaluate"], "evaluate needs FILES, one or more; received none; see --help."),
        (
            ["evaluate", "a", "b", "a"],
            "evaluate: FILES = 'a' is named twice; its sentences would count twice.",
        ),
        (
            ["evaluate", ""],
            "evaluate needs FILES, one or more; received an empty name; see --help.",
        ),
        (
            ["--output=x"],
            "--output: unknown flag; here it is --downstream_model_dir: it is one "
            "folder for checkpoints, model, report and logs.",
        ),
        (["convert"], "convert needs IN and OUT; received 0 words; see --help."),
        (["--to=klue"], "--to is for `predict` and `convert` only; leave it out."),
        (
            ["convert", "a", "b.jsonl", "--epochs=3"],
            "--epochs is for `train`, `check`, `predict` and `spec` only; leave it out.",
        ),
        (
            ["predict", "in", "out", "--devices=2"],
            "--devices is for `train`, `check` and `spec` only; leave it out.",
        ),
        (
            ["--devices=all"],
            "DEVICES = 'all' (flag --devices): must be a whole number, at least 1 and at most 256; "
            "leave it out for all.",
        ),
        (
            ["--restarts=2", "--accelerator=tpu"],
            "RESTARTS = '2' (flag --restarts) with ACCELERATOR = 'tpu' (flag --accelerator): "
            "RESTARTS starts GPUs' and CPUs' ranks again; a TPU's cores end together, so leave it "
            "out, and start the job again.",
        ),
        (
            ["check", "--devices=2", "--tpu_cores=8"],
            "DEVICES = '2' (flag --devices) with TPU_CORES = '8' (flag --tpu_cores): DEVICES "
            "counts GPUs, or ranks on a CPU; a TPU's cores are TPU_CORES: leave DEVICES out.",
        ),
        (["--lr", "3"], "--lr: unknown flag; here it is --learning_rate."),
        (["--qqq"], "--qqq: unknown flag; see --help."),
        (["-v"], "-v: unknown flag; see --help."),
    ],
)
def test_a_wrong_word_gets_a_suggestion(argv, mistake):
    """Commands, flags and numbers of words; a guess only where one is near."""
    assert mistakes_of(*argv) == [mistake]


@pytest.mark.parametrize("words", [["predict", "a", "b"], ["evaluate", "a"], ["convert", "a", "b"]])
def test_what_says_how_ranks_train_is_no_argument_of_what_computes_on_one_device(words):
    """As a flag it is refused; a variable, or a line of .env, may be meant for the training."""
    for name in ("devices", "restarts", "step_timeout_s"):
        with pytest.raises(ArgumentError, match=f"--{name} is for `train`, `check` and `spec`"):
            parse([*words, f"--{name}=2"], {}, NOWHERE)
        assert name not in parse(words, {name.upper(): "nonsense"}, NOWHERE).sources
        parse(["check", f"--{name}=2"], {}, NOWHERE)


def test_the_commands_are_told_apart():
    """Each with its operands, `-` among them; --print_settings is a flag of its own."""
    assert parse(["check", "--seed=1"], {}, NOWHERE).command == "check"
    predict = parse(["predict", "gs://bkt/in.txt", "-"], {}, NOWHERE)
    assert (predict.command, predict.operands) == ("predict", ("gs://bkt/in.txt", "-"))
    assert parse(["--print_settings"], {}, NOWHERE).print_settings
    assert not parse(["--print_settings=false"], {}, NOWHERE).print_settings


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"], ["check", "--help", "--wrong"]])
def test_help_is_given_whatever_else_is_wrong(argv):
    """Somebody who asks for help or the version gets it before any mistake."""
    assert parse(argv, {"EPOCHS": "many"}, NOWHERE).command == "help"
    assert parse(["--version"], {}, NOWHERE).command == "version"


@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from([f"--{name}" for name in Settings.model_fields]),
            st.builds(
                "--{}={}".format, st.sampled_from(list(Settings.model_fields)), st.text(max_size=6)
            ),
            st.sampled_from(["train", "check", "predict", "--", "-", "=", "--=", "0", "8", "true"]),
        ),
        max_size=8,
    )
)
def test_any_command_line_is_parsed_or_refused_in_words(argv):
    """No words, however odd, end in a traceback or an empty line."""
    try:
        assert isinstance(parse(argv, {}, NOWHERE), Parsed)
    except ArgumentError as error:
        empty = [line for line in str(error).split("\n") if len(line) < 10]
    else:
        empty = []
    assert not empty


def test_a_variable_called_to_is_no_argument():
    """So short a name is likely another program's; the flag is read."""
    assert settings_of("convert", "a", "b", environ={"TO": "me@example.com"}).to is None
    assert settings_of("convert", "a", "b", "--to=klue").to == "klue"
