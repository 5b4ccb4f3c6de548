"""Whether a process that wrote down its name still lives, as far as that can be seen from here.

Reference: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

import os
from pathlib import Path


def name_of_this() -> str:
    """Boot, process namespace, number and start time: the name of no other process, ever."""
    return f"{_namespace()} {os.getpid()} {_started(os.getpid())}"


def is_gone(name: str) -> bool:
    """True where a process of this name was visible from here and has ended; else False."""
    words = name.split()
    if words[:2] != _namespace().split():
        return False
    return _started(int(words[2])) != words[3]


def _namespace() -> str:
    """Two containers of one machine are two namespaces: neither sees the other's processes."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> str | None:
    """Clock ticks from boot to the start of a process; None where there is none alive."""
    try:
        # The second field, the command in parentheses, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]
