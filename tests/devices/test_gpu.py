"""The GPU as what a run computes on, or why there is none."""

import pytest
import torch

from job.devices.present import is_gpu_expected, why_no_gpu
from job.devices.table import choose_hardware
from job.errors import UnavailableError

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@needs_no_gpu
def test_a_gpu_that_is_not_there_is_one_sentence():
    """ACCELERATOR=gpu says why none was found and what to do."""
    with pytest.raises(UnavailableError, match=r"finds no GPU \(.+\); use ACCELERATOR=cpu"):
        choose_hardware("gpu", "auto")


def test_a_driver_that_is_too_old_is_named(tmp_path, monkeypatch):
    """The reason gives the driver's version and the one that this torch's CUDA needs."""
    file = tmp_path / "version"
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert why_no_gpu(file) == "no NVIDIA driver is loaded"
    file.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 2024\n")
    assert why_no_gpu(file) == (
        "the NVIDIA driver 535.183.01 is too old: CUDA 13.0 needs 580 or newer"
    )
    file.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release\n")
    assert "580.65.06 is loaded, but shows no GPU" in why_no_gpu(file)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert why_no_gpu(file) == "this build of torch has no CUDA"


@needs_no_gpu
def test_auto_warns_only_where_a_gpu_was_expected(monkeypatch, caplog):
    """A torch with CUDA, or a machine with a driver, that trains on the CPU is worth a word."""
    for expected in (False, True):
        monkeypatch.setattr("job.devices.gpu.is_gpu_expected", lambda expected=expected: expected)
        assert choose_hardware("auto", "32").accelerator == "cpu"
        assert ("No GPU is used" in caplog.text) is expected
    caplog.clear()
    assert choose_hardware("cpu", "32").accelerator == "cpu"
    assert not caplog.text


def test_a_gpu_is_expected_of_a_cuda_build_or_a_driver(tmp_path, monkeypatch):
    """Neither of the two: this is a CPU machine."""
    file = tmp_path / "version"
    monkeypatch.setattr(torch.version, "cuda", None)
    assert not is_gpu_expected(file)
    file.touch()
    assert is_gpu_expected(file)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    file.unlink()
    assert is_gpu_expected(file)
