"""Steps of cloudbuild.yaml, run as they stand on this machine's engine, on the image under test.

Building is left to `make image`: the steps that examine an image find it under the name that the
build gives it.
"""

from pathlib import Path

import pytest

from tests.container.containers import IMAGE, docker
from tests.gcloud.build_runner import run_build

ROOT = Path(__file__).parent.parent.parent
BUILT = "us-central1-docker.pkg.dev/test-project/ner/korean-ner-job"


@pytest.fixture
def built():
    """The image under test, by the names that `images:` expects."""
    names = [f"{BUILT}:{extra}-{tag}" for extra in ("gpu", "tpu") for tag in ("latest", "cache")]
    for name in names:
        assert docker("tag", IMAGE, name).code == 0
    yield
    docker("image", "rm", *names)


@pytest.mark.parametrize("step", ["sample", "structure-gpu"])
def test_a_step_that_examines_the_image_passes(built, step):
    """The image trains on its own without a network, and holds what it has to."""
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, {}, only={step})
    assert (result.id, result.exit_code) == (step, 0), result.output


def test_the_tests_run_with_the_packages_of_the_image(built):
    """The step's own environment finds the job and torch; one file stands for the suite."""
    substitutions = {"_TESTS": "tests/test_labels.py"}
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, substitutions, only={"test"})
    assert result.exit_code == 0, result.output
    assert " passed" in result.output
