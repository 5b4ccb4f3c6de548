"""The image with EXTRA=gpu: `make test-container EXTRA=gpu` builds it and runs this file alone.

It needs no GPU: what is tried is that CUDA's libraries load, without those that were left out.
"""

from tests.container.containers import IMAGE, ROOT, docker, run
from tests.support.gcloud.build_runner import run_build

# T4, A100, L4 (with the code of its generation's first), H100 and H200.
COMPUTE_CAPABILITIES = {"sm_75", "sm_80", "sm_86", "sm_90"}


def test_the_step_that_checks_its_structure_passes(built):
    """That of cloudbuild.yaml, as it stands."""
    [result] = run_build(ROOT / "cloudbuild.yaml", ROOT, {}, only={"structure-gpu"})
    assert result.exit_code == 0, result.output


def test_it_has_code_for_every_gpu_that_a_specification_can_name():
    """A GPU without code of its generation would end a run at its first step."""
    asked = "import torch; print(torch.version.cuda, *torch._C._cuda_getArchFlags().split())"
    done = docker("run", "--rm", "--entrypoint=python", IMAGE, "-c", asked)
    version, *capabilities = done.out.split()
    assert version.startswith("13."), done.err
    assert set(capabilities) >= COMPUTE_CAPABILITIES


def test_every_library_finds_the_libraries_it_needs():
    """slim.py took away nothing that another library links. The driver's comes with the GPU, and
    two kinds of plug-ins are for networks that only some clusters have."""
    script = r"""
        cd /opt/job/lib/python*/site-packages
        LD_LIBRARY_PATH=$(find "$PWD/nvidia" -type d -name lib | tr '\n' ':')
        export LD_LIBRARY_PATH
        find torch/lib nvidia/*/lib -name '*.so*' ! -name 'nvshmem_*' ! -name 'libcufile_rdma*' \
          -exec ldd {} \; | grep 'not found' | grep -v 'libcuda[.]so'
        find torch/lib nvidia/*/lib -name '*.so*' | wc -l
    """
    done = docker("run", "--rm", "--entrypoint=sh", IMAGE, "-c", script)
    *missing, count = done.out.splitlines()
    assert (missing, int(count) > 40) == ([], True), done.err


def test_it_trains_on_a_cpu_where_there_is_no_gpu():
    """With a warning, and without a network."""
    done = run(["--network=none", "--env=TEST_MODE=true"])
    assert done.code == 0, done.err
    assert "WARNING" in done.out
    assert "micro" in done.out


def test_a_gpu_that_is_not_there_is_an_error():
    """Where one is asked for, there is no silent run on the CPU."""
    done = run(["--env=ACCELERATOR=gpu"])
    assert done.code == 69
    assert "ERROR ACCELERATOR=gpu" in done.out
