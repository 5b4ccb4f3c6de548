"""What a run computes on."""

import pytest
import torch

from job.devices.cpu import Cpu, cpu_flags
from job.devices.gpu import Gpu, is_gpu_expected, why_no_gpu
from job.devices.table import choose_hardware
from job.errors import ArgumentError, UnavailableError
from job.machine.memory import free_host_bytes

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


@needs_no_gpu
def test_a_gpu_that_is_not_there_is_one_sentence():
    """ACCELERATOR=gpu says why none was found and what to do."""
    with pytest.raises(UnavailableError, match=r"finds no GPU \(.+\); use ACCELERATOR=cpu"):
        choose_hardware("gpu", "auto")


@needs_no_gpu
def test_sixteen_bit_floats_need_a_gpu():
    """FP16 on a CPU is refused, not emulated."""
    with pytest.raises(ArgumentError, match="needs a GPU"):
        choose_hardware("auto", "16")


def test_bf16_is_chosen_only_where_the_cpu_has_it(monkeypatch, caplog):
    """A CPU without bf16 instructions would be up to 44 times slower with it."""
    for flags, expected in (({"avx2"}, "32"), ({"avx512_bf16"}, "bf16"), ({"amx_bf16"}, "bf16")):
        monkeypatch.setattr("job.devices.cpu.cpu_flags", lambda flags=flags: frozenset(flags))
        assert choose_hardware("cpu", "auto").precision == expected
    monkeypatch.setattr("job.devices.cpu.cpu_flags", frozenset)
    assert choose_hardware("cpu", "bf16").precision == "bf16"
    assert "emulates bf16" in caplog.text


def test_flags_are_read_from_cpuinfo(tmp_path):
    """The first processor's flags; none where the file is absent."""
    file = tmp_path / "cpuinfo"
    assert cpu_flags(file) == frozenset()
    file.write_text("processor\t: 0\nflags\t\t: fpu avx512_bf16\n")
    assert cpu_flags(file) == {"fpu", "avx512_bf16"}


def test_the_containers_memory_limit_counts(tmp_path):
    """Free memory is the smaller of the machine's and the cgroup's."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 4000 kB\nMemAvailable: 3000 kB\n")
    assert free_host_bytes(tmp_path) == 3000 * 1024
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("1000000\n")
    (tmp_path / "sys/fs/cgroup/memory.current").write_text("400000\n")
    assert free_host_bytes(tmp_path) == 600000
    (tmp_path / "sys/fs/cgroup/memory").mkdir()
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("700000\n")
    (tmp_path / "sys/fs/cgroup/memory/memory.usage_in_bytes").write_text("300000\n")
    assert free_host_bytes(tmp_path) == 400000
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text(f"{2**63 - 4096}\n")
    assert free_host_bytes(tmp_path) == 600000
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert free_host_bytes(tmp_path) == 3000 * 1024


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


def test_a_tpu_in_a_cluster_is_refused(tpu_host):
    """ACCELERATOR=auto would find one on each machine."""
    with pytest.raises(
        UnavailableError, match="CLUSTER_SPEC names 2 machines, and a TPU takes one"
    ):
        choose_hardware("auto", "auto", machines=2)


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


@pytest.mark.parametrize(("accelerator", "compiler"), [(Cpu, "g++"), (Gpu, "cc")])
def test_compiling_needs_a_compiler(accelerator, compiler, tmp_path, monkeypatch):
    """COMPILE without one is refused before anything is read, not by torch in mid-run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    hardware = accelerator("32", "")
    with pytest.raises(ArgumentError, match="COMPILE=true needs a compiler"):
        hardware.require_compiler()
    (tmp_path / compiler).touch(mode=0o755)
    hardware.require_compiler()


def test_page_cache_counts_as_free(tmp_path):
    """A container that has read much has not less for a training, in either version of groups."""
    for folder, limit, used, prefix in (
        ("v2/sys/fs/cgroup", "memory.max", "memory.current", ""),
        ("v1/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ):
        group = tmp_path / folder
        group.mkdir(parents=True)
        (group / limit).write_text("1000000\n")
        (group / used).write_text("990000\n")
        cache = f"{prefix}inactive_file 600000\n{prefix}active_file 100000\n"
        (group / "memory.stat").write_text(f"{prefix}anon 290000\n{cache}")
        assert free_host_bytes(tmp_path / folder[:2]) == 710000


def test_every_group_around_this_process_counts(tmp_path):
    """On a host the limit is that of the service or of any slice that it lies in."""
    group = tmp_path / "sys/fs/cgroup/batch.slice/job.service"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/batch.slice/job.service\n")
    for folder, limit in ((group, "max"), (group.parent, "5000")):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text("1000")
    assert free_host_bytes(tmp_path) == 4000


def test_a_system_that_tells_no_memory_is_asked_otherwise(tmp_path):
    """A sandbox without /proc/meminfo, or an old one without MemAvailable, is no reason to end."""
    assert free_host_bytes(tmp_path) > 0
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemFree: 3 kB\nCached: 4 kB\n")
    assert free_host_bytes(tmp_path) == 7 * 1024
