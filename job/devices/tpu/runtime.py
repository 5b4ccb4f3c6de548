"""torch_xla and the TPU of this machine: whether they are there, how many cores, the launch.

torch_xla is imported in this package alone, and only inside of functions: everybody may import the
package. Every core is a rank of its own, with its own Trainer, in a thread of one of the processes
that `launch` starts: on v2 and v3 two threads in each of four processes, later one a process.
Reference: https://docs.pytorch.org/xla/release/r2.9/learn/xla-overview.html
"""

from collections.abc import Callable
from importlib.util import find_spec

from job.errors import UnavailableError

RUNTIME = "TPU"  # what PJRT_DEVICE has to be


def is_installed() -> bool:
    """Whether this environment has torch_xla; it is not imported."""
    return find_spec("torch_xla") is not None


def require_loadable() -> None:
    """Raises UnavailableError where torch_xla is installed and cannot be loaded."""
    try:
        import torch_xla  # noqa: F401
    except (ImportError, OSError) as error:
        raise UnavailableError(
            f"torch_xla cannot be loaded ({error}); where Python's shared library is missing, "
            "install it (Debian's and Ubuntu's package libpython3.11), or use ACCELERATOR=cpu."
        ) from error


def runtime_device() -> str | None:
    """PJRT_DEVICE as torch_xla read it; None where it is not set."""
    import torch_xla.runtime as xr

    return xr.device_type()


def count_cores() -> int:
    """The cores of this machine's TPU, 0 without one. Does not open the device."""
    from torch_xla._internal import tpu

    try:
        return tpu.num_available_devices() if tpu.num_available_chips() else 0
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise UnavailableError(
            f"The metadata server does not say which TPU this machine has ({error}); start a "
            "container there with --net=host, or use ACCELERATOR=cpu."
        ) from error


def launch(train_rank: Callable[..., None], arguments: tuple, cores: int) -> None:
    """Calls `train_rank(rank, *arguments)` on every core, in other processes; one core: in this."""
    import torch_xla.distributed.xla_multiprocessing as xmp

    xmp.spawn(train_rank, arguments, nprocs=1 if cores == 1 else None, start_method="spawn")
