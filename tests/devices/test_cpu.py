"""The CPU as what a run computes on."""

import pytest

from job.devices.cpu import Cpu, cpu_flags
from job.devices.peers import ALONE
from job.errors import ArgumentError


def test_sixteen_bit_floats_need_a_gpu():
    """FP16 on a CPU is refused, not emulated."""
    with pytest.raises(ArgumentError, match="needs a GPU"):
        Cpu.choose("16", 0, ALONE)


def test_bf16_is_chosen_only_where_the_cpu_has_it(monkeypatch, caplog):
    """A CPU without bf16 instructions would be up to 44 times slower with it."""
    for flags, expected in (({"avx2"}, "32"), ({"avx512_bf16"}, "bf16"), ({"amx_bf16"}, "bf16")):
        monkeypatch.setattr("job.devices.cpu.cpu_flags", lambda flags=flags: frozenset(flags))
        assert Cpu.choose("auto", 0, ALONE).precision == expected
    monkeypatch.setattr("job.devices.cpu.cpu_flags", frozenset)
    assert Cpu.choose("bf16", 0, ALONE).precision == "bf16"
    assert "emulates bf16" in caplog.text


def test_flags_are_read_from_cpuinfo(tmp_path):
    """The first processor's flags; none where the file is absent."""
    file = tmp_path / "cpuinfo"
    assert cpu_flags(file) == frozenset()
    file.write_text("processor\t: 0\nflags\t\t: fpu avx512_bf16\n")
    assert cpu_flags(file) == {"fpu", "avx512_bf16"}
