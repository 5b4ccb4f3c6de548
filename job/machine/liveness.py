"""A look at whether a recorded process is still alive.

Reference: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

import os
import uuid
from pathlib import Path

UNTOLD = uuid.uuid4().hex  # in the place of the boot's name


def process_name() -> str:
    """Boot, process namespace, number and start time: the name of no other process, ever."""
    return f"{_namespace()} {os.getpid()} {_started(os.getpid())}"


def is_gone(name: str) -> bool:
    """True where a process of this name was visible from here and has ended; else False."""
    words = name.split()
    if words[:2] != _namespace().split() or not all(each.isdecimal() for each in words[2:]):
        return False  # of elsewhere, or of a process that could not tell
    pid = int(words[2])
    return _started(pid) != words[3] and not _is_hidden(pid)


def _namespace() -> str:
    """Two containers of one machine are two namespaces: neither sees the other's processes.

    Where the system does not tell its boot, as in some sandboxes, nothing else does for sure: a
    host's name and a machine's id are those of its image. Then this process is alone with its own.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot or UNTOLD} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{UNTOLD} pid:[unknown]"


def _started(pid: int) -> str | None:
    """Clock ticks from boot to the start of a process; None where there is none alive to see."""
    try:
        # The second field, the command in parentheses, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _is_hidden(pid: int) -> bool:
    """Whether a process lives that /proc does not show to this user (mount option hidepid)."""
    if Path(f"/proc/{pid}").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
