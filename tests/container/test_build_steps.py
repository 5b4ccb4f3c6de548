"""Steps of cloudbuild.yaml, run as they stand on this machine's engine, on the image under test.

The steps that examine an image find it under the name that the build gives it. Those that build
are one script; it builds the CPU image here, whose layers are there already.
"""

import os
import re

import pytest

from docker.image import builder
from job import __version__
from tests.container.containers import BUILT, ROOT, docker
from tests.support.gcloud.build_runner import run_build

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
BASE = os.environ.get("BASE_IMAGE") or re.search(r"^ARG BASE_IMAGE=(.+)$", DOCKERFILE, re.M)[1]


def test_the_code_is_examined():
    """Ruff comes from the locks, into the base image."""
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, {"_BASE_IMAGE": BASE}, only={"lint"})
    assert result.exit_code == 0, result.output
    assert "All checks passed!" in result.output


def test_the_script_that_builds_builds(tmp_path):
    """With the version in its label, and without a cache to start from at the first time."""
    image = f"{BUILT}:cpu-latest"
    file = tmp_path / "cloudbuild.yaml"
    text = (ROOT / "cloudbuild.yaml").read_text("utf-8")
    assert text.count("env: [EXTRA=tpu]") == 1
    file.write_text(text.replace("env: [EXTRA=tpu]", "env: [EXTRA=cpu]"))
    wheels = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", "korean-ner-job-wheels").out
    offline = [f"--build-arg=WHEELS_IMAGE={name}" for name in wheels.split()]
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/bash\n"
        f'[ "$1" = build ] && set -- build --network=host {" ".join(offline)} "${{@:2}}"\n'
        f'exec {builder()} "$@"\n'
    )
    program.chmod(0o755)
    try:
        given = {"_BASE_IMAGE": BASE, "_REVISION": "0123abc"}
        [result] = run_build(file, ROOT, given, str(program), only={"build-tpu"})
        assert result.exit_code == 0, result.output
        assert "no layers to start from" in result.output
        labels = docker("image", "inspect", "--format={{json .Config.Labels}}", image).out
        assert f'"org.opencontainers.image.version":"{__version__}"' in labels
        assert '"org.opencontainers.image.revision":"0123abc"' in labels
    finally:
        docker("image", "rm", image, f"{BUILT}:cpu-cache")


@pytest.mark.parametrize("step", ["sample", "structure-gpu"])
def test_a_step_that_examines_the_image_passes(built, step):
    """The image trains on its own without a network, and holds what it has to."""
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, {}, only={step})
    assert (result.id, result.exit_code) == (step, 0), result.output


def test_the_tests_run_with_the_packages_of_the_image(built):
    """The step's own environment finds the job and torch; one file stands for the suite."""
    substitutions = {"_TESTS": "tests/encoding/test_labels.py"}
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, substitutions, only={"test"})
    assert result.exit_code == 0, result.output
    assert " passed" in result.output
