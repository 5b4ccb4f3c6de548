"""The accelerators that each machine of Google Cloud takes. Regions are Google's to refuse, which
costs nothing.

Read on 2026-11-22. Machine types and counts:
https://cloud.google.com/vertex-ai/docs/training/configure-compute.
Flexible start: https://cloud.google.com/vertex-ai/docs/training/schedule-jobs-dws. Boot disks: the
API's DiskSpec.
"""

from typing import Literal, NamedTuple

AcceleratorType = Literal[
    "NVIDIA_TESLA_T4",
    "NVIDIA_L4",
    "NVIDIA_TESLA_A100",
    "NVIDIA_A100_80GB",
    "NVIDIA_H100_80GB",
    "NVIDIA_H200_141GB",
    "TPU_V3",
]
BootDisk = Literal["pd-ssd", "pd-standard", "hyperdisk-balanced"]


class Accelerator(NamedTuple):
    """`counts`: machine type → the numbers of accelerators that it takes; the first is usual."""

    counts: dict[str, tuple[int, ...]]
    can_flex_start: bool = True
    boot_disks: tuple[BootDisk, ...] = ("pd-ssd", "pd-standard")  # the first is usual


ACCELERATORS: dict[AcceleratorType, Accelerator] = {
    "NVIDIA_TESLA_T4": Accelerator(
        {
            **{f"n1-standard-{cpus}": (1, 2, 4) for cpus in (8, 4, 16)},
            "n1-standard-32": (2, 4),
            "n1-standard-64": (4,),
            "n1-standard-96": (4,),
        },
        can_flex_start=False,
    ),
    "NVIDIA_L4": Accelerator(
        {
            **{f"g2-standard-{cpus}": (1,) for cpus in (8, 4, 12, 16, 32)},
            "g2-standard-24": (2,),
            "g2-standard-48": (4,),
            "g2-standard-96": (8,),
        }
    ),
    "NVIDIA_TESLA_A100": Accelerator(
        {**{f"a2-highgpu-{n}g": (n,) for n in (1, 2, 4, 8)}, "a2-megagpu-16g": (16,)}
    ),
    "NVIDIA_A100_80GB": Accelerator({f"a2-ultragpu-{n}g": (n,) for n in (1, 2, 4, 8)}),
    "NVIDIA_H100_80GB": Accelerator({f"a3-highgpu-{n}g": (n,) for n in (1, 2, 4, 8)}),
    "NVIDIA_H200_141GB": Accelerator({"a3-ultragpu-8g": (8,)}, boot_disks=("hyperdisk-balanced",)),
    "TPU_V3": Accelerator({"cloud-tpu": (8,)}, can_flex_start=False),
}


def usual_machine(accelerator: AcceleratorType) -> str:
    """The machine type that is taken where the user names none."""
    return next(iter(ACCELERATORS[accelerator].counts))


def usual_count(accelerator: AcceleratorType, machine_type: str) -> int:
    """The number of accelerators where the user gives none; 1 on a machine that is unknown."""
    return ACCELERATORS[accelerator].counts.get(machine_type, (1,))[0]


def refuse_machine(accelerator: AcceleratorType, machine_type: str) -> str | None:
    """The remedy for a machine that does not take the accelerator, or None."""
    if machine_type in ACCELERATORS[accelerator].counts:
        return None
    taken = [name for name, each in ACCELERATORS.items() if machine_type in each.counts]
    if taken:
        return f"{machine_type} takes {taken[0]}; set ACCELERATOR_TYPE={taken[0]}"
    choices = ", ".join(ACCELERATORS[accelerator].counts)
    return f"no such machine is known to take it; set MACHINE_TYPE to one of {choices}"


def refuse_count(accelerator: AcceleratorType, machine_type: str, count: int) -> str | None:
    """The remedy for a number of accelerators that the machine does not take, or None."""
    counts = ACCELERATORS[accelerator].counts.get(machine_type)
    if counts is None or count in counts:
        return None
    return f"{machine_type} takes {' or '.join(map(str, counts))} {accelerator}"


def usual_boot_disk(accelerator: AcceleratorType) -> BootDisk:
    """The boot disk that is taken where the user names none."""
    return ACCELERATORS[accelerator].boot_disks[0]


def refuse_boot_disk(accelerator: AcceleratorType, disk: str) -> str | None:
    """The remedy for a boot disk that the accelerator's machines do not take, or None."""
    disks = ACCELERATORS[accelerator].boot_disks
    return None if disk in disks else f"its machines take {' or '.join(disks)}"


def refuse_strategy(accelerator: AcceleratorType, strategy: str) -> str | None:
    """The remedy for a way to get machines by which these cannot be had, or None."""
    if strategy != "flex_start" or ACCELERATORS[accelerator].can_flex_start:
        return None
    able = [name for name, each in ACCELERATORS.items() if each.can_flex_start]
    return f"flex_start gives {', '.join(able)}; use spot or standard"
