"""One of the GPUs that torch can compute on here, or why there is none.

The driver's number is in /proc wherever it is loaded, in containers, too. Which one a CUDA needs:
https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ (CUDA minor version compatibility).
"""

import logging
import re
import warnings
from pathlib import Path

import torch

from job.devices.hardware import Hardware, on_each
from job.errors import UnavailableError

logger = logging.getLogger(__name__)

DRIVER_FILE = Path("/proc/driver/nvidia/version")
OLDEST_DRIVER = {"12": 525, "13": 580}  # by CUDA's major version


class Gpu(Hardware):
    """The first GPU of each machine."""

    accelerator = "gpu"
    device = torch.device("cuda")
    backend = "cpu:gloo,cuda:nccl"  # what is averaged lies where it was computed
    compilers = ("cc", "gcc", "clang")  # triton's

    @classmethod
    def is_here(cls) -> bool:
        return count_gpus() > 0

    @classmethod
    def choose(cls, precision: str, cores: int, machines: int) -> "Gpu":
        gpus = count_gpus()
        if not gpus:
            raise UnavailableError(
                f"ACCELERATOR=gpu: torch {torch.__version__} finds no GPU ({why_no_gpu()}); "
                "use ACCELERATOR=cpu, or start the container with --gpus all."
            )
        if gpus > 1:
            logger.warning("One of this machine's %d GPUs is used; the others idle.", gpus)
        name = on_each(machines, torch.cuda.get_device_name())
        return cls(_precision(precision), name, machines=machines)

    @classmethod
    def note_absence(cls) -> None:
        if is_gpu_expected():
            logger.warning(
                "No GPU is used (%s): computing on the CPU. Start the container with --gpus all, "
                "or set ACCELERATOR=cpu.",
                why_no_gpu(),
            )

    def free_bytes(self) -> int:
        return torch.cuda.mem_get_info()[0]


def _precision(wanted: str) -> str:
    if wanted == "auto":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "16"
    return wanted


def count_gpus() -> int:
    """The GPUs that torch can use: none where the driver is too old for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's long warning says what `why_no_gpu` says
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def is_gpu_expected(driver_file: Path = DRIVER_FILE) -> bool:
    """Whether a run without a GPU is likely a mistake: this torch, or this machine, is for one."""
    return torch.version.cuda is not None or driver_file.exists()


def why_no_gpu(driver_file: Path = DRIVER_FILE) -> str:
    """The reason in words, where `count_gpus` found none."""
    if torch.version.cuda is None:
        return "this build of torch has no CUDA"
    if not driver_file.exists():
        return "no NVIDIA driver is loaded"
    found = re.search(r"\b(\d{3,})\.\d[\d.]*", driver_file.read_text("utf-8", "replace"))
    oldest = OLDEST_DRIVER.get(torch.version.cuda.split(".")[0])
    if found and oldest and int(found[1]) < oldest:
        return (
            f"the NVIDIA driver {found[0]} is too old: CUDA {torch.version.cuda} needs {oldest} "
            "or newer"
        )
    driver = f"driver {found[0]}" if found else "driver"
    return f"the NVIDIA {driver} is loaded, but shows no GPU to this process"
