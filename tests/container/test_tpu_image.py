"""The image with EXTRA=tpu: `make test-container EXTRA=tpu` builds it and runs this file alone."""

from tests.container.containers import IMAGE, ROOT, docker, run
from tests.support.gcloud.build_runner import run_build
from tests.tpu.environment import VIRTUAL

# The tests' virtual cores, run with the packages and the code of the image.
ON_VIRTUAL_CORES = [
    f"--volume={ROOT}/tests:/source/tests:ro",
    "--env=PYTHONPATH=/opt/code:/source",
    "--env=PYTHONSAFEPATH=",
    "--env=CPU_NUM_DEVICES=8",
    "--shm-size=1g",
    "--entrypoint=python",
    *(f"--env={name}={value}" for name, value in VIRTUAL.items()),
]


def test_the_step_that_checks_its_structure_passes(built):
    """That of cloudbuild.yaml, as it stands."""
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, {}, only={"structure-tpu"})
    assert result.exit_code == 0, result.output


def test_it_trains_on_eight_virtual_cores_without_a_network():
    """torch_xla loads, and what was left out of torch's CUDA build is missed by nothing."""
    words = ["-m", "tests.tpu.virtual", "--accelerator=tpu", "--tpu_cores=8", "--test_mode"]
    done = run([*ON_VIRTUAL_CORES, "--network=none"], *words, timeout=300)
    assert done.code == 0, done.out + done.err
    assert "XLA compiled" in done.out


def test_it_trains_on_a_cpu_where_there_is_no_tpu():
    """As every image does when nothing is asked for."""
    done = run(["--network=none", "--env=TEST_MODE=true"])
    assert done.code == 0, done.err
    assert "micro" in done.out


def test_a_tpu_that_is_not_there_is_an_error():
    """Where one is asked for, there is no silent run on the CPU."""
    done = run(["--env=PJRT_DEVICE=TPU"])
    assert done.code == 69
    assert "this machine has no TPU" in done.out


def test_it_holds_the_last_runtime_for_a_v3():
    """Later ones say that v2 and v3 are no longer supported."""
    asked = "from importlib.metadata import version as v; print(v('torch_xla'), v('libtpu'))"
    done = docker("run", "--rm", "--entrypoint=python", IMAGE, "-c", asked)
    assert done.out.split() == ["2.9.0", "0.0.21"]
