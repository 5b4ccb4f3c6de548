"""`make train` and `make check`: the job, on the sample and in a folder of its own unless told.

    python -m docker.make_train [check]

Whatever the environment or .env says holds. Where neither names an output it is
output/<corpus>--<model>: a run there goes on, one that is done starts anew, and a folder that holds
another corpus' run, or another model's, is left alone.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from job.commands import CHOICES, SETTINGS_CLASSES
from job.errors import ArgumentError, IncompatibleError, JobError
from job.settings import Settings, parse
from job.storage import MANIFEST, masked

MARK = "made-for.json"  # beside checkpoints/ and model/: the corpus and the model of this folder
OUTPUT, CORPUS = "downstream_model_dir", ("downstream_corpus", "downstream_corpus_name")


def main(words: list[str], environ: Mapping[str, str], here: Path) -> list[str]:
    """The words for `python -m job`. Raises IncompatibleError."""
    try:
        parsed = parse(words, environ, here, SETTINGS_CLASSES, CHOICES)
        if all(parsed.sources.get(name, "default") == "default" for name in CORPUS):
            words = [*words, "--downstream_corpus_name=sample"]
            parsed = parse(words, environ, here, SETTINGS_CLASSES, CHOICES)
    except ArgumentError:
        return words  # the job says what is wrong, and stops
    if parsed.sources[OUTPUT] != "default":
        return words
    settings = parsed.settings
    folder = Path("output", f"{_name(settings.corpus_title)}--{_name(_model(settings))}")
    is_done = look_at(here / folder, settings)
    if parsed.command == "train":
        (here / folder).mkdir(parents=True, exist_ok=True)
        (here / folder / MARK).write_text(json.dumps(_mark(settings)), "utf-8")
    anew = is_done and parsed.sources["resume"] == "default"
    return [*words, f"--{OUTPUT}={folder}", *(["--resume=never"] if anew else [])]


def look_at(folder: Path, settings: Settings) -> bool:
    """Whether the run in the folder is done; False where there is none.

    Raises IncompatibleError where it is not of this corpus and this model.
    """
    mark, manifest = _read(folder / MARK), _read(folder / "model" / MANIFEST)
    ours = {"corpus": settings.corpus_title, "model": masked(settings.pretrained_model_name)}
    facts = manifest.get("facts", {})
    theirs = {name: facts.get(name) for name in ours} if manifest else ours
    if theirs != ours or (mark or _mark(settings)) != _mark(settings):
        held = mark if theirs == ours else theirs
        raise IncompatibleError(
            f"{folder} holds the run of {held.get('corpus')} with {held.get('model')}, which "
            f"stays; name another folder with DOWNSTREAM_MODEL_DIR=output/NAME, or delete this one."
        )
    steps = [_read(file).get("step") for file in folder.glob(f"checkpoints/step=*/{MANIFEST}")]
    last = max((step for step in steps if isinstance(step, int)), default=None)
    return last is not None and last == manifest.get("trained", {}).get("steps")


def _mark(settings: Settings) -> dict[str, str]:
    """The corpus by its place: two of them may have one name."""
    named = (settings.downstream_corpus_root_dir or "", settings.downstream_corpus_name)
    place = settings.downstream_corpus or "/".join(named).lstrip("/")
    return {"corpus": masked(place), "model": masked(settings.pretrained_model_name)}


def _model(settings: Settings) -> str:
    return masked(settings.pretrained_model_name).rstrip("/").rpartition("/")[2]


def _name(text: str) -> str:
    """A part of a folder's name."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "run"


def _read(file: Path) -> dict:
    """A file of JSON; empty where there is none that can be read."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    try:
        arguments = main(sys.argv[1:] or ["train"], os.environ, Path.cwd())
    except JobError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    os.execv(sys.executable, [sys.executable, "-m", "job", *arguments])
