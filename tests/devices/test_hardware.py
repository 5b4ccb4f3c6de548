"""The hardware of a run, whatever it is."""

import pytest
import torch

from job.devices.cpu import Cpu
from job.devices.gpu import Gpu
from job.devices.table import choose_hardware
from job.errors import ArgumentError

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@needs_no_gpu
def test_auto_without_a_gpu_is_the_cpu():
    """ACCELERATOR=auto trains on what there is."""
    hardware = choose_hardware("auto", "32")
    assert hardware.trainer_arguments() == {
        "accelerator": "cpu",
        "devices": 1,
        "precision": "32-true",
    }


@pytest.mark.parametrize(("accelerator", "compiler"), [(Cpu, "g++"), (Gpu, "cc")])
def test_compiling_needs_a_compiler(accelerator, compiler, tmp_path, monkeypatch):
    """COMPILE without one is refused before anything is read, not by torch in mid-run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    hardware = accelerator("32", "")
    with pytest.raises(ArgumentError, match="COMPILE=true needs a compiler"):
        hardware.require_compiler()
    (tmp_path / compiler).touch(mode=0o755)
    hardware.require_compiler()
