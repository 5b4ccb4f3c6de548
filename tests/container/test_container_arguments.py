"""The container is told what to do in four ways, and they agree."""

import re
from pathlib import Path

from tests.container.containers import run

GIVEN = {
    "DOWNSTREAM_CORPUS_NAME": "news",
    "DOWNSTREAM_MODEL_DIR": "gs://bucket/뉴스 1",
    "LEARNING_RATE": "3e-5",
    "MONITOR": "max val_f1",
    "ALLOW_UNSEEN_LABELS": "true",
    "EPOCHS": "4",
}


def values(*options: str, arguments: tuple[str, ...] = ()) -> dict[str, str]:
    """Variable -> value as `--print_settings` shows them; the column with the source left out."""
    done = run(options, "--print_settings", *arguments)
    assert done.code == 0, done.err
    rows = [re.split("  +", line) for line in done.out.splitlines()]
    return {row[0]: row[1] if len(row) == 3 else "" for row in rows}


def test_variables_flags_and_both_kinds_of_file_give_the_same_settings(tmp_path):
    """-e, --flag, --env-file and a mounted .env."""
    by_variable = values(*(f"--env={name}={value}" for name, value in GIVEN.items()))
    by_flag = values(arguments=tuple(f"--{name.lower()}={v}" for name, v in GIVEN.items()))
    file = tmp_path / "run.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in GIVEN.items()))
    by_env_file = values(f"--env-file={file}")
    dotenv = Path(tmp_path, "dotenv")
    dotenv.write_text("".join(f"{name}='{value}'\n" for name, value in GIVEN.items()))
    by_dotenv = values(f"--volume={dotenv}:/work/.env:ro")
    assert by_variable["DOWNSTREAM_CORPUS_NAME"] == "news"
    assert by_variable["DOWNSTREAM_MODEL_DIR"] == "gs://bucket/뉴스 1"
    assert by_variable["EPOCHS"] == "4"
    assert by_variable == by_flag == by_env_file == by_dotenv


def test_alone_it_is_the_sample_and_anything_said_replaces_that():
    """The image's own default is the weakest: any variable or flag of the user's beats it."""
    alone = values()
    assert (alone["DOWNSTREAM_CORPUS_NAME"], alone["PRETRAINED_MODEL_NAME"]) == ("sample", "sample")
    told = values("--env=DOWNSTREAM_CORPUS_NAME=kmou")
    assert told["DOWNSTREAM_CORPUS_NAME"] == "kmou"
    assert told["PRETRAINED_MODEL_NAME"] == "beomi/kcbert-base"
    assert told == values(arguments=("--downstream_corpus_name=kmou",))


def test_a_file_of_arguments_leaves_the_image_s_own_default_alone(tmp_path):
    """A mounted .env that names no corpus changes what it names."""
    dotenv = tmp_path / "dotenv"
    dotenv.write_text("EPOCHS=2\n")
    told = values(f"--volume={dotenv}:/work/.env:ro")
    assert (told["DOWNSTREAM_CORPUS_NAME"], told["EPOCHS"]) == ("sample", "2")


def test_on_vertex_the_base_directory_is_the_output():
    """Nothing in the image stands in the way of AIP_MODEL_DIR."""
    told = values("--env=AIP_MODEL_DIR=gs://bucket/run/model/")
    assert told["DOWNSTREAM_MODEL_DIR"] == "gs://bucket/run"


def test_wrong_arguments_are_told_all_at_once():
    """Exit 64 with every mistake, from variables and flags alike; the secret is not shown."""
    done = run(
        ["--env=EPOCHS=many", "--env=BATCHSIZE=8", "--env=HF_TOKEN=hf_canary"],
        "--learning_rate=-1",
        "--sead=3",
    )
    assert done.code == 64
    for mistake in ("EPOCHS = 'many'", "BATCHSIZE", "LEARNING_RATE = '-1'", "--sead"):
        assert mistake in done.err
    assert "hf_canary" not in done.out + done.err
    assert not done.out
