"""The cause of an error outside of the job: an exit code and one sentence."""

import errno
import os

import pytest

from job.errors import (
    DataError,
    JobError,
    OutputError,
    PermissionDeniedError,
    StorageError,
    UnavailableError,
)
from job.machine import causes
from job.machine.causes import explained, of_a_variable

SIZES = "BATCH_SIZE=32, MAX_SEQ_LENGTH=300"


def panic(text: str) -> BaseException:
    """As Rust's libraries raise it: no Exception."""
    return type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})(text)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, OutputError),
        (errno.EDQUOT, OutputError),
        (errno.EFBIG, OutputError),
        (errno.EROFS, OutputError),
        (errno.ENOTDIR, OutputError),
        (errno.ENAMETOOLONG, OutputError),
        (errno.EACCES, PermissionDeniedError),
        (errno.EPERM, PermissionDeniedError),
        (errno.EIO, StorageError),
        (errno.ESTALE, StorageError),
        (errno.ENOENT, StorageError),
        (errno.ENOSYS, StorageError),
        (errno.EBADF, StorageError),
        (errno.ECONNREFUSED, UnavailableError),
        (errno.ETIMEDOUT, UnavailableError),
    ],
)
def test_an_error_of_the_system_names_its_path(number, kind):
    """Every OSError has a documented code, and says which path it was."""
    found = explained(OSError(number, os.strerror(number), "/some/place"))
    assert type(found) is kind
    assert str(found).startswith(f"/some/place: {os.strerror(number)}")


def test_every_number_of_the_system_is_explained():
    """None of them is a fault of the job."""
    for number in errno.errorcode:
        found = explained(OSError(number, os.strerror(number)))
        assert isinstance(found, JobError), number
        assert found.exit_code != 70, number


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "Out of memory at BATCH"),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:128] . DefaultCPUAllocator: not enough memory: you "
                "tried to allocate 4500000000 bytes. Error code 12 (Cannot allocate memory)"
            ),
            "Out of memory: 4.50 GB more were asked for at BATCH",
        ),
        (
            RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total of …"),
            "Out of memory: 2.00 GiB more",
        ),
        (MemoryError("Unable to allocate 8.00 GiB for an array"), "Out of memory: 8.00 GiB more"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling …"), "Out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Out of memory"),
        (ImportError("libx.so: failed to map segment from shared object"), "Out of memory"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), "Out of memory"),
    ],
)
def test_a_lack_of_memory_is_one_sentence(error, said):
    """On a CPU as on a GPU: what was asked for, the arguments that it depends on, and 69."""
    found = explained(error, SIZES)
    assert type(found) is UnavailableError
    assert str(found).startswith(said)
    assert SIZES in str(found)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files", "/x"), "ulimit -n"),
        (OSError(errno.ENFILE, "Too many open files in system"), "open files"),
        (
            RuntimeError(
                "unable to open shared memory object </torch_7_1> in read-write mode: Too many "
                "open files (24)"
            ),
            "ulimit -n",
        ),
        (RuntimeError("can't start new thread"), "No more processes or threads"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "No more processes"),
        (
            panic(
                "The global thread pool has not been initialized.: ThreadPoolBuildError { kind: "
                'IOError(Os { code: 11, kind: WouldBlock, message: "Resource temporarily '
                'unavailable" }) }'
            ),
            "No more processes",
        ),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error."), "/dev/shm"),
        (RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly"), "CPU_WORKERS=0"),
    ],
)
def test_a_limit_of_the_machine_is_named(error, said):
    """Files, processes and shared memory, by whichever library they were met: 69."""
    found = explained(error)
    assert type(found) is UnavailableError
    assert said in str(found)


def test_a_limit_behind_a_damaged_file_is_told_instead():
    """What took a lack of threads for a damaged model is corrected; its own word stands else."""
    mistaken = DataError("model: cannot be loaded; download it again.")
    mistaken.__cause__ = RuntimeError("can't start new thread")
    assert type(explained(mistaken)) is UnavailableError
    damaged = DataError("model: cannot be loaded.")
    assert explained(damaged) is damaged


def test_a_full_disk_in_rusts_words_is_a_full_disk():
    """safetensors and tokenizers have types of their own for what the system said."""
    found = explained(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert type(found) is OutputError


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("division by zero"),
        ValueError("a tag of 3 (24)"),
        KeyError("train_loss"),
        AssertionError("rows (28)"),
        panic("index out of bounds: the len is 3 but the index is 7"),
    ],
)
def test_a_fault_of_ours_stays_one(error):
    """70 keeps its meaning."""
    assert explained(error, SIZES) is None


def test_a_variable_that_a_library_refuses_is_named(tmp_path, monkeypatch):
    """By its name, or by its value where the library says no more; only while it is imported."""
    (tmp_path / "picky.py").write_text("import os\nint(os.environ['PICKY_TIMEOUT'])\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PICKY_TIMEOUT", "soon")
    with pytest.raises(ValueError, match="soon") as caught:
        __import__("picky")
    found = of_a_variable(caught.value, {"PICKY_TIMEOUT": "soon", "OTHER": "1"})
    assert found.exit_code == 64
    assert str(found).startswith("PICKY_TIMEOUT=soon: ")
    assert of_a_variable(caught.value, {"OTHER": "1"}) is None
    monkeypatch.setattr(causes, "HERE", str(tmp_path))  # a module of the job's own
    assert of_a_variable(caught.value, {"PICKY_TIMEOUT": "soon"}) is None
