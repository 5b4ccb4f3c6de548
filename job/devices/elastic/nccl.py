"""NCCL, which connects the GPUs, tried before training: it would wait without end, and say nothing.

https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html
"""

import fcntl
import logging
import shutil
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
import torch.distributed as dist

from job.devices.elastic.place import Place
from job.devices.elastic.watch import NEVER, Watch
from job.errors import UnavailableError

logger = logging.getLogger(__name__)

TRIED_WITHIN_S = 120.0
REASON_WITHIN_S = 10.0  # after a failure: that another rank is gone
SHARED_MEMORY = Path("/dev/shm")  # through it go the sums of a machine's ranks
SHARED_MB = 64  # that each of them may take
SIOCGIFADDR = 0x8915  # linux/sockios.h
ELSEWHERE = ("192.0.2.1", 9)  # RFC 5737: nobody's. Only the way there is asked for


def add_up() -> None:
    """A sum over all GPUs; the first one connects them."""
    dist.all_reduce(torch.ones(1, device="cuda"))
    torch.cuda.synchronize()


def try_nccl(
    watch: Watch,
    place: Place,
    local_rank: int,
    interface: str,
    collective: Callable[[], None] = add_up,
) -> None:
    """Raises UnavailableError where the GPUs cannot be connected; `watch` ends the round where that
    takes too long. A machine's first rank warns where its ranks have little memory to share.

    `interface`: NCCL_SOCKET_IFNAME, or empty.
    """
    free_mb = shutil.disk_usage(SHARED_MEMORY).free // 2**20 if SHARED_MEMORY.exists() else 0
    if local_rank == 0 and place.devices > 1 and free_mb < place.devices * SHARED_MB:
        logger.warning(
            "%s has %d MB free, and the %d GPUs here may need %d MB each: start the container with "
            "--shm-size=1g.",
            *(SHARED_MEMORY, free_mb, place.devices, SHARED_MB),
        )
    remedy = _remedy(place, interface)
    hung = f"NCCL did not connect the GPUs within {TRIED_WITHIN_S:.0f} s; {remedy}."
    watch.step_within(TRIED_WITHIN_S, lambda: hung)
    try:
        collective()
    except RuntimeError as error:
        if watch.heard.wait(REASON_WITHIN_S):
            raise  # of a rank that has ended
        why = (str(error).splitlines() or [type(error).__name__])[-1]
        if "shared memory" in why or str(SHARED_MEMORY) in why:
            remedy = f"{SHARED_MEMORY} has {free_mb} MB free: use --shm-size=1g"
        raise UnavailableError(f"NCCL cannot connect the GPUs ({why}); {remedy}.") from error
    finally:
        watch.step_within(NEVER)


def _remedy(place: Place, interface: str) -> str:
    if place.machines == 1:
        return "set NCCL_P2P_DISABLE=1 where they cannot reach each other directly, or DEVICES=1"
    named = f"NCCL_SOCKET_IFNAME={interface}" if interface else f"interface {_interface(place)}"
    return (
        f"machine {place.machine} uses {named}: let every TCP port between the machines through, "
        "or name another interface in NCCL_SOCKET_IFNAME"
    )


def _interface(place: Place) -> str:
    """The network interface by which this machine reaches machine 0; on that, the others."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((place.host, place.port) if place.machine else ELSEWHERE)
        mine = socket.inet_aton(asking.getsockname()[0])
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # one without such an address
                asked = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("256s", name.encode()))
                if asked[20:24] == mine:
                    return name
    return "unknown"
