"""The memory that this process may still have: of the machine, and of its control groups.

Page cache counts as free, as the kernel gives it away before it refuses memory. References:
https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html, proc_meminfo(5).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Version:
    """The places of a version of control groups: its folder, a group's limit, what it uses, and
    the lines of its memory.stat that count page cache."""

    folder: str
    limit: str
    used: str
    cache: tuple[str, ...]


VERSIONS = (
    Version("sys/fs/cgroup", "memory.max", "memory.current", ("inactive_file", "active_file")),
    Version(
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
)


def free_host_bytes(root: Path = Path("/")) -> int:
    """The least that the machine and any control group around this process has left."""
    left = [_free_of_machine(root)]
    for version in VERSIONS:
        for group in _groups(root):
            left += _left(root / version.folder / group, version)
    return max(min(left), 0)


def _free_of_machine(root: Path) -> int:
    kilobytes = _numbers(root / "proc/meminfo")
    if "MemAvailable" in kilobytes:
        return kilobytes["MemAvailable"] * 1024
    if "MemFree" in kilobytes:
        return (kilobytes["MemFree"] + kilobytes.get("Cached", 0)) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _groups(root: Path) -> Iterator[str]:
    """The groups that this process lies in, outermost first, as paths below the mount.

    A container sees its own group at the top of the mount, whatever its path on the host.
    """
    found = {"."}
    for line in _text(root / "proc/self/cgroup").splitlines():
        path = PurePosixPath(line.rpartition(":")[2].lstrip("/"))
        if ".." not in path.parts:
            found |= {str(each) for each in (path, *path.parents)}
    yield from sorted(found)


def _left(group: Path, version: Version) -> list[int]:
    """Bytes until the group's limit; nothing where it has none, or none that can be read."""
    limit, used = _text(group / version.limit).strip(), _text(group / version.used).strip()
    if not (limit.isdecimal() and used.isdecimal()):
        return []
    statistics = _numbers(group / "memory.stat")
    cache = sum(statistics.get(name, 0) for name in version.cache)
    return [int(limit) - max(int(used) - cache, 0)]


def _numbers(file: Path) -> dict[str, int]:
    """`name: 12 kB` and `name 12`, by name."""
    words = (line.replace(":", " ").split() for line in _text(file).splitlines())
    return {each[0]: int(each[1]) for each in words if len(each) > 1 and each[1].isdecimal()}


def _text(file: Path) -> str:
    """What a file of the system says; nothing where it is not there or not for us."""
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""
