"""Containers of the image under test, through docker's own client; each is removed at its end."""

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.runs import World

IMAGE = os.environ.get("IMAGE", "korean-ner-job:cpu")
# The name that cloudbuild.yaml gives the image, with the runner's project.
BUILT = "us-central1-docker.pkg.dev/test-project/ner/korean-ner-job"
ROOT = Path(__file__).parents[2]
# On a folder of this user's, a container of another uid could leave what nobody can delete.
AS_USER = [] if os.getuid() == 0 else [f"--user={os.getuid()}:{os.getgid()}"]


@dataclass(frozen=True)
class Done:
    """A container that ended."""

    code: int
    out: str
    err: str


def docker(*words: str, timeout: float = 120) -> Done:
    """docker itself with these words."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=timeout)
    return Done(done.returncode, done.stdout, done.stderr)


def examine_structure() -> Done:
    """container-structure-test on the image, with what docker/structure.yaml says."""
    command = [Path(sys.executable).with_name("container-structure-test"), "test", "--image", IMAGE]
    config = ROOT / "docker" / "structure.yaml"
    done = subprocess.run([*command, "--config", config], capture_output=True, text=True)
    return Done(done.returncode, done.stdout, done.stderr)


def run(options: Sequence[str], *arguments: str, image: str = IMAGE, timeout: float = 120) -> Done:
    """`docker run OPTIONS IMAGE ARGUMENTS`, to its end."""
    name = f"job-test-{uuid.uuid4().hex[:12]}"
    try:
        return docker("run", f"--name={name}", *options, image, *arguments, timeout=timeout)
    finally:
        docker("rm", "--force", "--volumes", name)


class Running:
    """A container under way."""

    def __init__(self, name: str):
        self.name = name

    def log(self) -> str:
        done = docker("logs", self.name)
        return done.out + done.err

    def wait_for(self, pattern: str, timeout_s: float = 60) -> re.Match:
        """The first match in the log, as soon as it is there."""
        deadline = time.monotonic() + timeout_s
        while not (found := re.search(pattern, self.log())):
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.log()}"
            assert self.inspect("{{.State.Running}}") == "true", self.log()
            time.sleep(0.1)
        return found

    def inspect(self, template: str) -> str:
        return docker("inspect", f"--format={template}", self.name).out.strip()

    def wait(self) -> int:
        """The exit code, at the end."""
        return int(docker("wait", self.name).out)


@contextmanager
def running(options: Sequence[str], *arguments: str, image: str = IMAGE) -> Iterator[Running]:
    """A container in the background; killed at the end of the block if need be."""
    name = f"job-test-{uuid.uuid4().hex[:12]}"
    try:
        started = docker("run", "--detach", f"--name={name}", *options, image, *arguments)
        assert started.code == 0, started.err
        yield Running(name)
    finally:
        docker("rm", "--force", "--volumes", name)


class Toy:
    """A toy corpus and a tiny model, mounted read-only, and an output folder."""

    def __init__(self, folder: Path):
        world = World(folder)
        for file in world.model.iterdir():
            file.chmod(0o644)  # transformers keeps weights to their owner
        self.model, self.corpus = world.model, world.corpus
        self.output = folder / "output"
        self.output.mkdir()
        self.output.chmod(0o777)
        self.data = [
            f"--volume={world.corpus.parent}:/data:ro",
            f"--volume={world.model}:/model:ro",
        ]
        self.mounts = [*AS_USER, *self.data, f"--volume={self.output}:/work/output"]
        self.values = {
            "DOWNSTREAM_CORPUS_ROOT_DIR": "/data",
            "DOWNSTREAM_CORPUS_NAME": "toy",
            "PRETRAINED_MODEL_NAME": "/model",
            "MAX_SEQ_LENGTH": "32",
            "BATCH_SIZE": "8",
            "EPOCHS": "2",
            "LEARNING_RATE": "0.01",
            "PRECISION": "32",
        }

    def environment(self, **changed: str) -> list[str]:
        """The options that pass `values` as variables."""
        return [f"--env={name}={value}" for name, value in (self.values | changed).items()]

    def options(self, **changed: str) -> list[str]:
        return [*self.mounts, *self.environment(**changed)]

    def saved_steps(self) -> list[int]:
        """The steps of the checkpoints that are committed."""
        manifests = self.output.glob("checkpoints/step=*/MANIFEST.json")
        return sorted(int(file.parent.name.removeprefix("step=")) for file in manifests)

    def has_model(self) -> bool:
        return (self.output / "model" / "MANIFEST.json").exists()
