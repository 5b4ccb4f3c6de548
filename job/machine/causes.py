"""The cause of an error that is no fault of the job: the machine, the system, a variable.

By type, number and text, since each library has its own way to say that memory, files or threads
have run out. Reference for the numbers: https://man7.org/linux/man-pages/man3/errno.3.html
"""

import errno
import os
import re
import resource
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from job.errors import (
    ArgumentError,
    JobError,
    OutputError,
    PermissionDeniedError,
    StorageError,
    UnavailableError,
)

HERE = str(Path(__file__).parents[1])
MEMORY = re.compile(
    r"DefaultCPUAllocator|out of memory|Cannot allocate memory|std::bad_alloc|ALLOC_FAILED"
    r"|RESOURCE_EXHAUSTED|failed to map segment|Worker.* killed by signal: Killed",
    re.IGNORECASE,
)
# "tried to allocate 4096 bytes", "Tried to allocate 2.00 GiB", "Unable to allocate 8.00 GiB"
ASKED = re.compile(r"to allocate (\d+(?:\.\d+)? (?:bytes|[KMGT]i?B))", re.IGNORECASE)
THREADS = re.compile(r"can't start new thread|ThreadPoolBuildError|Resource temporarily unavail")
WORKER = re.compile(
    r"killed by signal: Bus error|shared memory|worker.* exited|DataLoader timed out", re.IGNORECASE
)
# Python's "[Errno 24]", Rust's "(os error 28)" and "Os { code: 11", torch's ": Too many… (24)"
NUMBER = re.compile(
    r"\[Errno (\d+)\]|\(os error (\d+)\)|Os \{ code: (\d+)|: [A-Z][a-z ]+ \((\d+)\)"
)

NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
NO_PLACE = frozenset(
    (
        *(errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
        *(errno.ENAMETOOLONG, errno.EBUSY, errno.ENOTEMPTY, errno.EXDEV, errno.EMLINK),
    )
)
FORBIDDEN = frozenset((errno.EACCES, errno.EPERM))
FILES = frozenset((errno.EMFILE, errno.ENFILE))


def explained(error: BaseException, sizes: str = "") -> JobError | None:
    """The job's error for what this one, or one that it follows from, says of the machine.

    `sizes` are the arguments that memory depends on, with their values. None where the error is a
    fault of the job.
    """
    chain = list(_chain(error))
    for each in chain:
        if found := _exhausted(each, sizes):
            return found
    if isinstance(error, JobError):
        return error
    for each in chain:
        if isinstance(each, JobError):
            return each
        if (number := _number(each)) is not None or isinstance(each, OSError):
            return _of_the_system(each, number)
    return None


def of_a_variable(error: BaseException, environ: Mapping[str, str]) -> ArgumentError | None:
    """The error of a variable whose value a library refused when it was imported; else None."""
    if not isinstance(error, Exception) or not _is_at_import(error.__traceback__):
        return None
    text, given = str(error), {name: value for name, value in environ.items() if value}
    named = [name for name in given if re.search(rf"\b{re.escape(name)}\b", text) and name != "_"]
    quoted = [name for name, value in given.items() if repr(value) in text]
    if not (found := sorted(named or quoted)):
        return None
    which = " or ".join(f"{name}={environ[name]}" for name in found[:3])
    return ArgumentError(f"{which}: a library refuses this value ({_words(error)}); unset it.")


def _is_at_import(trace: TracebackType | None) -> bool:
    """Whether the error came from the body of a module that is none of the job's."""
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and not code.co_filename.startswith((HERE, "<")):
            return True
        trace = trace.tb_next
    return False


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was raised from."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__


def _exhausted(error: BaseException, sizes: str) -> JobError | None:
    """Memory, files or processes, which a library may take for a damaged file."""
    text, number = str(error), _number(error)
    if isinstance(error, JobError):
        return None
    if isinstance(error, MemoryError) or number == errno.ENOMEM or MEMORY.search(text):
        asked = ASKED.search(text)
        return UnavailableError(
            f"Out of memory{f': {_size(asked[1])} more were asked for' if asked else ''}"
            f"{f' at {sizes}' if sizes else ''}; lower "
            f"{'them' if sizes else 'BATCH_SIZE or MAX_SEQ_LENGTH'}, or use a machine with more."
        )
    if number in FILES:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return UnavailableError(
            f"Too many open files: this process may have {most} (ulimit -n); raise that, or set "
            "CPU_WORKERS=0."
        )
    if THREADS.search(text) or (number == errno.EAGAIN and not getattr(error, "filename", None)):
        most = resource.getrlimit(resource.RLIMIT_NPROC)[0]
        limit = "" if most == resource.RLIM_INFINITY else f" ({most} by ulimit -u)"
        return UnavailableError(
            f"No more processes or threads can be started{limit}; raise this user's or the "
            "container's limit, or set CPU_WORKERS=0, OMP_NUM_THREADS=1 and RAYON_NUM_THREADS=1."
        )
    if WORKER.search(text):
        return UnavailableError(
            "A worker has died or delivers nothing, perhaps for want of room in /dev/shm or of "
            "threads; give the container more (--shm-size, ulimit -u), or set CPU_WORKERS=0."
        )
    return None


def _of_the_system(error: BaseException, number: int | None) -> JobError:
    path = getattr(error, "filename", None)
    said = os.strerror(number) if number is not None else _words(error)
    where = f"{os.fsdecode(path)}: {said}" if isinstance(path, str | bytes | os.PathLike) else said
    if number in NO_ROOM:
        return OutputError(
            f"{where}; free space there, or set DOWNSTREAM_MODEL_DIR, CACHE_DIR or TMPDIR to "
            "another disk."
        )
    if number in NO_PLACE:
        return OutputError(f"{where}; set DOWNSTREAM_MODEL_DIR, CACHE_DIR or TMPDIR elsewhere.")
    if number in FORBIDDEN:
        return PermissionDeniedError(f"{where}; give this user access.")
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror) or number is None:
        return UnavailableError(f"{where}; try again when that answers.")
    return StorageError(f"{where}; look after that disk or folder, then start this again.")


def _number(error: BaseException) -> int | None:
    """The system's number of an error, which a library may have put into words."""
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return error.errno if error.errno in errno.errorcode else None
    if isinstance(error, JobError) or not (found := NUMBER.search(str(error))):
        return None
    number = int(next(group for group in found.groups() if group))
    return number if os.strerror(number) in str(error) else None


def _size(text: str) -> str:
    """`4096 bytes` in a unit that people read; other units stay."""
    number, unit = text.split()
    return f"{float(number) / 1e9:.2f} GB" if unit.lower() == "bytes" else text


def _words(error: BaseException) -> str:
    """The first line that says something, cut short."""
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)[:150]
