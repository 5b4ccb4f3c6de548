"""Leftovers of other programs, put right before a library looks at it.

Lightning reads the variables of launchers and of its own Trainer, which are another run's here:
https://lightning.ai/docs/pytorch/stable/clouds/cluster.html. What is taken out of the environment
stays out of the processes that this one starts, too.
"""

import logging
import os
import resource
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

from job.errors import ArgumentError, OutputError

logger = logging.getLogger(__name__)

# Of torchrun and its like, of SLURM, LSF and MPI, and of Lightning itself.
LAUNCHERS = frozenset(
    (
        "RANK",
        "LOCAL_RANK",
        "NODE_RANK",
        "GROUP_RANK",
        "ROLE_RANK",
        "WORLD_SIZE",
        "LOCAL_WORLD_SIZE",
        "GROUP_WORLD_SIZE",
        "ROLE_WORLD_SIZE",
        "MASTER_ADDR",
        "MASTER_PORT",
        "STANDALONE_PORT",
    )
)
FAMILIES = ("PL_", "LT_", "SLURM_", "LSB_", "JSM_", "TORCHELASTIC_", "OMPI_", "PMI_", "PMIX_")
OF_THE_TRAINER = "PL_TRAINER_"  # who sets one of these expects something of it
ENOUGH_FILES = 1 << 16
# Each where it is not set already.
TOLD = {
    # OpenMP's threads spin while they wait: on a machine whose cores have other work, too, a step
    # of a small model took ten times as long. Read when torch is imported.
    "OMP_WAIT_POLICY": "passive",
    # numpy multiplies no matrices here; where its library may start no threads for that, it sends
    # this process a SIGINT.
    "OPENBLAS_NUM_THREADS": "1",
    # torch_xla would take the CPU where PJRT_DEVICE is not set, after a warning.
    "PJRT_SELECT_DEFAULT_DEVICE": "0",
    # NCCL's own watchdog would abort the process before job.devices.elastic can say why.
    "TORCH_NCCL_ASYNC_ERROR_HANDLING": "0",
    # Torch's C++ writes past the log: advice that job.devices.data_parallel has weighed, and that a
    # machine is gone.
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
OF_THE_JOB = 8  # threads that a run starts itself: the lease, saving, notices of preemption
OF_A_WORKER = 3  # its process and the threads that bring its batches


def tell_libraries(environ: MutableMapping[str, str]) -> None:
    """Sets what libraries have to be told by a variable."""
    for name, value in TOLD.items():
        environ.setdefault(name, value)


def take_out_launchers(environ: MutableMapping[str, str]) -> list[str]:
    """Takes out what makes Lightning believe in a cluster, or in other arguments; returns the
    names of those that were meant for its Trainer, in order."""
    found = sorted(n for n in environ if n in LAUNCHERS or n.startswith(FAMILIES))
    for name in found:
        del environ[name]
    return [name for name in found if name.startswith(OF_THE_TRAINER)]


def let_warnings_warn(environ: MutableMapping[str, str]) -> None:
    """PYTHONWARNINGS=error and `python -W error` are for a program's own tests: in a run the
    libraries' advice is logged."""
    if not any(option.startswith("error") for option in sys.warnoptions):
        return
    left = [each for each in warnings.filters if each[0] != "error"]
    warnings.filters[:] = left  # type: ignore[index]  # a list, though declared a Sequence
    sys.warnoptions[:] = [each for each in sys.warnoptions if not each.startswith("error")]
    environ.pop("PYTHONWARNINGS", None)


def require_docstrings() -> None:
    """Raises ArgumentError where Python has left them out, from which transformers makes others."""
    if sys.flags.optimize > 1:
        raise ArgumentError(
            f"PYTHONOPTIMIZE={sys.flags.optimize} (or python -OO) leaves out the docstrings that "
            "transformers reads; unset it, or set it to 1."
        )


def raise_file_limit() -> None:
    """Takes as many open files as this process may have, up to enough; usually it starts lower."""
    has, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if most == resource.RLIM_INFINITY else min(most, ENOUGH_FILES)
    if has != resource.RLIM_INFINITY and has < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def share_out_threads(environ: MutableMapping[str, str], workers: int, ranks: int = 1) -> None:
    """Lets libraries start no threads where a run with so many workers could not start them all.

    Several `ranks` of this machine share its cores.

    OpenMP's library ends the process when it cannot start one, past every handler. Call it before
    torch is imported.
    """
    if ranks > 1:
        share = str(max(1, _cores() // ranks))
        for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
            environ.setdefault(name, share)
    wanted = ranks * threads_wanted(environ, workers)
    if (possible := threads_possible(wanted)) < wanted:
        environ.update(ONE_THREAD)
        logger.warning(
            "Only %d of the %d threads that this run would use can be started, so it computes with "
            "one; raise this user's or the container's limit (ulimit -u, --pids-limit).",
            *(possible, wanted),
        )


def threads_wanted(environ: Mapping[str, str], workers: int) -> int:
    """The most threads and processes that a run starts, with those of its libraries."""
    cores = _cores()

    def of_a_pool(name: str) -> int:
        given = environ.get(name, "")
        return int(given) if given.isdecimal() and int(given) else cores

    # OpenMP has a pool for each thread that computes: the one that trains, and the main one.
    pools = 2 * (of_a_pool("OMP_NUM_THREADS") - 1) + of_a_pool("RAYON_NUM_THREADS")
    return OF_THE_JOB + pools + OF_A_WORKER * workers


def _cores() -> int:
    """Those that this process may use."""
    is_linux = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if is_linux else os.cpu_count() or 1


def threads_possible(most: int) -> int:
    """The number of threads that can be started here at once, up to so many: it is tried."""
    over = threading.Event()
    started: list[threading.Thread] = []
    try:
        with suppress(RuntimeError, MemoryError):  # can't start new thread
            while len(started) < most:
                thread = threading.Thread(target=over.wait, daemon=True)
                thread.start()
                started.append(thread)
    finally:
        over.set()
        for thread in started:
            thread.join()
    return len(started)


def require_temporary_folder() -> None:
    """Raises OutputError in a container whose every file system is read-only."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise OutputError(
            f"No folder for temporary files can be written ({error.strerror}): start the container "
            "with --tmpfs /tmp, or set TMPDIR."
        ) from error


def require_utf8(environ: MutableMapping[str, str]) -> None:
    """Starts this process anew where it cannot read its own arguments: a locale of ASCII alone."""
    if sys.getfilesystemencoding() == "ascii" and environ.get("PYTHONUTF8") != "1":
        environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
