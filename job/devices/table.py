"""The accelerators that a run can compute on, one row each."""

from job.devices.cpu import Cpu
from job.devices.gpu import Gpu
from job.devices.hardware import Hardware
from job.devices.peers import ALONE, NoPeers
from job.devices.tpu.accelerator import Tpu

# As ACCELERATOR=auto prefers them; every machine has the last. A row's name is a choice of that
# argument in job.settings.
ACCELERATORS: tuple[type[Hardware], ...] = (Tpu, Gpu, Cpu)


def choose_hardware(
    accelerator: str, precision: str, tpu_cores: int = 0, peers: NoPeers = ALONE
) -> Hardware:
    """Resolves `auto`. Raises UnavailableError where what was asked for is not there.

    `accelerator`: auto or a row's name. `precision`: auto, 32, bf16 or 16. `tpu_cores`: 0 is all.
    """
    if accelerator != "auto":
        return _row(accelerator).choose(precision, tpu_cores, peers)
    number = next(number for number, row in enumerate(ACCELERATORS) if row.is_here())
    hardware = ACCELERATORS[number].choose(precision, tpu_cores, peers)
    for absent in ACCELERATORS[:number]:
        absent.note_absence()
    return hardware


def where_to_get(accelerator: str) -> str:
    """A sentence on where machines with one are had; empty where there is nothing to say."""
    return "" if accelerator == "auto" else _row(accelerator).where_to_get_one


def _row(accelerator: str) -> type[Hardware]:
    return next(row for row in ACCELERATORS if row.accelerator == accelerator)
