"""The devices that are here, counted by torch alone: before anything else is imported.

The driver's number is in /proc wherever it is loaded, in containers, too. Which one a CUDA needs:
https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ (CUDA minor version compatibility).
"""

import os
import re
import warnings
from pathlib import Path

from job.devices.tpu import runtime
from job.errors import ArgumentError
from job.figures import counted

DRIVER_FILE = Path("/proc/driver/nvidia/version")
OLDEST_DRIVER = {"12": 525, "13": 580}  # by CUDA's major version


def count_devices(accelerator: str, wanted: int | None) -> tuple[int, str]:
    """The ranks of a run on this machine, and the kind of device that each computes on.

    `accelerator` and `wanted` are the arguments ACCELERATOR and DEVICES. Raises ArgumentError where
    there are not so many, or where they are not alike.
    """
    if accelerator == "tpu" or (accelerator == "auto" and _has_tpu()):
        if wanted is not None:
            raise ArgumentError(
                f"DEVICES={wanted}: it counts GPUs, or ranks on a CPU, and this run takes a TPU; "
                "leave it out (TPU_CORES counts the cores of a TPU)."
            )
        return 1, "TPU"
    gpus = 0 if accelerator == "cpu" else count_gpus()
    if gpus or accelerator == "gpu":
        return _of_gpus(gpus, wanted)
    cores = cores_here()
    if wanted and wanted > cores:
        raise ArgumentError(
            f"DEVICES={wanted}: this machine has {counted(cores, 'CPU core')} and no GPU that the "
            f"run may use; set it to {cores} or less, or leave it out."
        )
    return wanted or 1, "CPU"


def cores_here() -> int:
    """The cores of the CPU that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_tpu() -> bool:
    return runtime.is_installed() and runtime.count_cores() > 0


def _of_gpus(gpus: int, wanted: int | None) -> tuple[int, str]:
    if not gpus:
        return 1, "no GPU"  # which the run itself says better
    if wanted and wanted > gpus:
        raise ArgumentError(
            f"DEVICES={wanted}: this machine shows {counted(gpus, 'GPU')} to this process; set it "
            f"to {gpus} or less, or leave it out for all."
        )
    import torch

    taken = wanted or gpus
    kinds = [torch.cuda.get_device_name(number) for number in range(taken)]
    if other := next((n for n, kind in enumerate(kinds) if kind != kinds[0]), 0):
        raise ArgumentError(
            f"DEVICES: GPU 0 is {kinds[0]} and GPU {other} is {kinds[other]}, and the ranks of a "
            "run are alike; name equal ones in CUDA_VISIBLE_DEVICES, or set DEVICES=1."
        )
    return taken, kinds[0]


def count_gpus() -> int:
    """The GPUs that torch can use: none where the driver is too old for it."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's long warning says what `why_no_gpu` says
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def is_gpu_expected(driver_file: Path = DRIVER_FILE) -> bool:
    """Whether a run without a GPU is likely a mistake: this torch, or this machine, is for one."""
    import torch

    return torch.version.cuda is not None or driver_file.exists()


def why_no_gpu(driver_file: Path = DRIVER_FILE) -> str:
    """The reason in words, where `count_gpus` found none."""
    import torch

    if os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every one; unset it"
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
    if shown := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return f"CUDA_VISIBLE_DEVICES={shown} may name none that is here; unset it"
    driver = f"driver {found[0]}" if found else "driver"
    return f"the NVIDIA {driver} is loaded, but shows no GPU to this process"
