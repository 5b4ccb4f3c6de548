"""The cores of a TPU as what a run computes on."""

import pytest
import torch

from job.devices.peers import NoPeers
from job.devices.table import choose_hardware
from job.errors import ArgumentError, UnavailableError
from tests.support.runs import World


@pytest.fixture
def tpu_host(monkeypatch):
    """A machine that seems to have torch_xla and eight cores; nothing of it is imported."""
    monkeypatch.setattr("job.devices.tpu.runtime.is_installed", lambda: True)
    monkeypatch.setattr("job.devices.tpu.runtime.require_loadable", lambda: None)
    monkeypatch.setattr("job.devices.tpu.runtime.runtime_device", lambda: "TPU")
    monkeypatch.setattr("job.devices.tpu.runtime.count_cores", lambda: 8)
    return monkeypatch


@pytest.mark.parametrize(("accelerator", "cores", "devices"), [("tpu", 0, 8), ("auto", 1, 1)])
def test_a_tpu_trains_on_one_core_or_on_all(tpu_host, accelerator, cores, devices):
    """ACCELERATOR=auto finds it; what is computed outside the Trainer stays on the host."""
    hardware = choose_hardware(accelerator, "auto", cores)
    assert (hardware.accelerator, hardware.devices, hardware.precision) == ("tpu", devices, "bf16")
    assert hardware.device == torch.device("cpu")


class Two(NoPeers):
    """Two machines, one device on each."""

    machines = 2


def test_a_tpu_in_a_cluster_is_refused(tpu_host):
    """ACCELERATOR=auto would find one on each machine."""
    with pytest.raises(
        UnavailableError, match="CLUSTER_SPEC names 2 machines, and a TPU takes one"
    ):
        choose_hardware("auto", "auto", peers=Two())


@pytest.mark.parametrize("runtime", [None, "CPU"])
def test_without_pjrt_device_no_run_begins(tpu_host, runtime):
    """torch_xla would take the CPU and only warn."""
    tpu_host.setattr("job.devices.tpu.runtime.runtime_device", lambda: runtime)
    with pytest.raises(UnavailableError, match=r"PJRT_DEVICE=.*set PJRT_DEVICE=TPU"):
        choose_hardware("tpu", "auto")


def test_a_machine_without_a_tpu_says_so(tpu_host):
    """The runtime is there and the device is not."""
    tpu_host.setattr("job.devices.tpu.runtime.count_cores", lambda: 0)
    with pytest.raises(UnavailableError, match="no TPU that this process may see"):
        choose_hardware("tpu", "auto")


def test_a_number_of_cores_that_the_machine_has_not_is_refused(tpu_host):
    """One, or all that there are: 4 on a v4-8."""
    tpu_host.setattr("job.devices.tpu.runtime.count_cores", lambda: 4)
    with pytest.raises(ArgumentError, match=r"TPU_CORES=8: .* has 4 cores"):
        choose_hardware("tpu", "auto", 8)


def test_the_check_says_where_a_tpu_is_had(tmp_path, capsys, tpu_host):
    """Where one was asked for and is missing."""
    tpu_host.setattr("job.devices.tpu.runtime.count_cores", lambda: 0)
    code, log = World(tmp_path).run(capsys, words=("check",), accelerator="tpu", precision="auto")
    assert code == 69
    assert "v3-8 TPUs are in us-central1" in log
