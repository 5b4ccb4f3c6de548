"""The devices of this machine, counted, and DEVICES against them."""

import pytest
import torch

from job.devices import present
from job.devices.present import count_devices, why_no_gpu
from job.devices.table import choose_hardware
from job.errors import ArgumentError, UnavailableError
from tests.support.runs import World

L4, A100 = "NVIDIA L4", "NVIDIA A100"
UUIDS = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,GPU-1f2c7a51-0000-0000-0000-000000000000"


@pytest.fixture
def gpus(monkeypatch):
    """Has torch show these GPUs."""

    def gpus(*kinds: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(kinds))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(kinds))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: kinds[number])

    gpus()
    return gpus


@pytest.mark.parametrize(("wanted", "ranks"), [(None, 1), (1, 1), (2, 2), (4, 4)])
def test_a_cpu_has_one_rank_unless_devices_says_more(gpus, monkeypatch, wanted, ranks):
    """At most one on each core."""
    monkeypatch.setattr(present, "cores_here", lambda: 4)
    assert count_devices("cpu", wanted) == count_devices("auto", wanted) == (ranks, "CPU")


def test_more_ranks_than_cores_are_refused(gpus, monkeypatch):
    """With their number and what is left to do."""
    monkeypatch.setattr(present, "cores_here", lambda: 4)
    with pytest.raises(ArgumentError) as told:
        count_devices("auto", 5)
    assert str(told.value) == (
        "DEVICES=5: this machine has 4 CPU cores and no GPU that the run may use; set it to 4 or "
        "less, or leave it out."
    )


@pytest.mark.parametrize("accelerator", ["auto", "gpu"])
@pytest.mark.parametrize(("wanted", "ranks"), [(None, 8), (1, 1), (6, 6), (8, 8)])
def test_all_gpus_are_taken_unless_devices_says_less(gpus, accelerator, wanted, ranks):
    """A machine with eight is paid for with eight."""
    gpus(*[L4] * 8)
    assert count_devices(accelerator, wanted) == (ranks, L4)


def test_more_gpus_than_there_are_are_refused(gpus):
    """As many as this process is shown."""
    gpus(L4, L4)
    with pytest.raises(ArgumentError, match=r"DEVICES=3: this machine shows 2 GPUs to this proc"):
        count_devices("auto", 3)


def test_cores_are_what_devices_counts_where_a_gpu_is_not_wanted(gpus, monkeypatch):
    """ACCELERATOR=cpu beside GPUs."""
    gpus(L4, L4)
    monkeypatch.setattr(present, "cores_here", lambda: 4)
    assert count_devices("cpu", 3) == (3, "CPU")


def test_gpus_of_unequal_kind_are_refused(gpus):
    """The slower one would hold up all; with the way to take equal ones."""
    gpus(L4, L4, A100)
    with pytest.raises(ArgumentError) as told:
        count_devices("auto", None)
    assert "GPU 0 is NVIDIA L4 and GPU 2 is NVIDIA A100" in str(told.value)
    assert "CUDA_VISIBLE_DEVICES" in str(told.value)
    assert count_devices("auto", 2) == (2, L4), "those that are taken are alike"


def test_a_machine_without_a_gpu_differs_from_one_with(gpus):
    """What is counted here is a fact in which machines must agree."""
    without = count_devices("auto", 1)
    gpus(A100)
    assert without == (1, "CPU")
    assert count_devices("auto", 1) == (1, A100)


def test_devices_do_not_count_the_cores_of_a_tpu(gpus, monkeypatch):
    """ACCELERATOR=auto that finds a TPU: known only here, after the arguments are read."""
    monkeypatch.setattr(present.runtime, "is_installed", lambda: True)
    monkeypatch.setattr(present.runtime, "count_cores", lambda: 8)
    with pytest.raises(ArgumentError, match=r"DEVICES=2: it counts GPUs.*TPU_CORES"):
        count_devices("auto", 2)
    assert count_devices("auto", None) == (1, "TPU")
    assert count_devices("cpu", 1) == (1, "CPU")


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_gpus_that_are_hidden_are_told(gpus, monkeypatch, caplog, hidden):
    """ACCELERATOR=gpu is refused, and `auto` takes the CPU with a warning: the variable's fault."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    monkeypatch.setattr("job.devices.gpu.is_gpu_expected", lambda: True)
    assert count_devices("gpu", 2) == (1, "no GPU"), "what the run itself says better"
    with pytest.raises(UnavailableError, match="CUDA_VISIBLE_DEVICES hides every one; unset it"):
        choose_hardware("gpu", "32")
    assert choose_hardware("auto", "32").accelerator == "cpu"
    assert "CUDA_VISIBLE_DEVICES hides every one" in caplog.text


def test_gpus_may_be_named_by_uuid(gpus, monkeypatch, tmp_path):
    """Torch shows those that are named, and they are counted from 0; none of them here is told."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUIDS)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    driver = tmp_path / "version"
    driver.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release")
    assert why_no_gpu(driver) == (
        f"CUDA_VISIBLE_DEVICES={UUIDS} may name none that is here; unset it"
    )
    gpus(L4, L4)
    assert count_devices("gpu", None) == (2, L4)


def test_the_check_tells_of_the_ranks(gpus, monkeypatch, tmp_path, capsys):
    """As many as a run would have, and DEVICES that are not there with the run's exit code."""
    monkeypatch.setattr("job.devices.present.cores_here", lambda: 2)
    world = World(tmp_path)
    code, log = world.run(capsys, words=("check",), devices=2)
    assert code == 0, log
    assert "Would compute on 2 ranks, each on " in log
    code, log = world.run(capsys, words=("check",), devices=3)
    assert code == 64, log
    assert "DEVICES=3: this machine has 2 CPU cores" in log
