"""The GPUs of a run, one for each rank."""

import logging

import torch

from job.devices.hardware import Hardware, on_each
from job.devices.peers import NoPeers
from job.devices.present import count_gpus, is_gpu_expected, why_no_gpu
from job.errors import UnavailableError

logger = logging.getLogger(__name__)


class Gpu(Hardware):
    """One GPU: the first, or that of this rank."""

    accelerator = "gpu"
    device = torch.device("cuda")
    backend = "cpu:gloo,cuda:nccl"  # what is averaged lies where it was computed
    averages_in_bf16 = True
    compilers = ("cc", "gcc", "clang")  # triton's

    @classmethod
    def is_here(cls) -> bool:
        return count_gpus() > 0

    @classmethod
    def choose(cls, precision: str, cores: int, peers: NoPeers) -> "Gpu":
        if not count_gpus():
            raise UnavailableError(
                f"ACCELERATOR=gpu: torch {torch.__version__} finds no GPU ({why_no_gpu()}); "
                "use ACCELERATOR=cpu, or start the container with --gpus all."
            )
        torch.cuda.set_device(peers.local_rank)  # the one that `cuda` means in this process
        kind = torch.cuda.get_device_name()
        return cls(_precision(precision), on_each(peers, kind, f"× {kind}"), peers.devices, peers)

    def trainer_devices(self) -> list[int]:
        return [self.peers.local_rank]

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
