"""Which accelerators a machine of Google Cloud takes, and in which regions they are.

Read on 2026-11-22. Machine types and counts:
https://cloud.google.com/vertex-ai/docs/training/configure-compute. Regions of GPUs: where Compute
Engine offers them (https://github.com/skypilot-org/skypilot-catalog, v8/gcp/vms.csv, a copy of its
lists) and gcloud 528 takes training jobs. TPUs: https://cloud.google.com/tpu/docs/regions-zones.
Flexible start: https://cloud.google.com/vertex-ai/docs/training/schedule-jobs-dws. Boot disks: the
API's DiskSpec.
Where a region is listed, a project may still lack the quota.
"""

from typing import NamedTuple

_A2_A3 = "us-central1 us-east4 us-east5 europe-west4 asia-southeast1"


class Accelerator(NamedTuple):
    """`counts`: machine type → the numbers of accelerators that it takes; the first is usual."""

    counts: dict[str, tuple[int, ...]]
    regions: frozenset[str]
    can_flex_start: bool = True
    boot_disks: tuple[str, ...] = ("pd-ssd", "pd-standard")  # the first is usual


def _regions(names: str) -> frozenset[str]:
    return frozenset(names.split())


ACCELERATORS = {
    "NVIDIA_TESLA_T4": Accelerator(
        {
            **{f"n1-standard-{cpus}": (1, 2, 4) for cpus in (8, 4, 16)},
            "n1-standard-32": (2, 4),
            "n1-standard-64": (4,),
            "n1-standard-96": (4,),
        },
        _regions(
            "us-central1 us-east1 us-east4 us-west1 us-west2 us-west3 us-west4 "
            "northamerica-northeast1 southamerica-east1 europe-central2 europe-west1 europe-west2 "
            "europe-west3 europe-west4 me-west1 asia-east1 asia-east2 asia-northeast1 "
            "asia-northeast3 asia-south1 asia-southeast1 asia-southeast2 "
            "australia-southeast1"
        ),
        can_flex_start=False,
    ),
    "NVIDIA_L4": Accelerator(
        {
            **{f"g2-standard-{cpus}": (1,) for cpus in (8, 4, 12, 16, 32)},
            "g2-standard-24": (2,),
            "g2-standard-48": (4,),
            "g2-standard-96": (8,),
        },
        _regions(
            "us-central1 us-east1 us-east4 us-west1 us-west4 northamerica-northeast1 "
            "northamerica-northeast2 europe-west1 europe-west2 europe-west3 europe-west4 "
            "europe-west6 me-central2 asia-east1 asia-northeast1 asia-northeast3 asia-south1 "
            "asia-southeast1"
        ),
    ),
    "NVIDIA_TESLA_A100": Accelerator(
        {**{f"a2-highgpu-{n}g": (n,) for n in (1, 2, 4, 8)}, "a2-megagpu-16g": (16,)},
        _regions(
            "us-central1 us-east1 us-west1 us-west3 us-west4 europe-west4 me-west1 "
            "asia-northeast1 asia-northeast3 asia-southeast1"
        ),
    ),
    "NVIDIA_A100_80GB": Accelerator(
        {f"a2-ultragpu-{n}g": (n,) for n in (1, 2, 4, 8)}, _regions(_A2_A3)
    ),
    "NVIDIA_H100_80GB": Accelerator(
        {f"a3-highgpu-{n}g": (n,) for n in (1, 2, 4, 8)},
        _regions(
            f"{_A2_A3} us-west1 us-west4 europe-north1 europe-west1 europe-west3 europe-west9 "
            "asia-east1 asia-northeast1 asia-south1 australia-southeast1"
        ),
    ),
    "NVIDIA_H200_141GB": Accelerator(
        {"a3-ultragpu-8g": (8,)},
        _regions(
            "us-central1 us-east4 us-east5 us-south1 us-west1 europe-west1 europe-west4 asia-south1"
        ),
        boot_disks=("hyperdisk-balanced",),
    ),
    "TPU_V3": Accelerator(
        {"cloud-tpu": (8,)}, _regions("us-central1 europe-west4"), can_flex_start=False
    ),
}
# https://cloud.google.com/compute/docs/accelerator-optimized-machines
NEVER_STANDARD = frozenset(f"a3-highgpu-{n}g" for n in (1, 2, 4))
TPU_ZONES = ("us-central1-a", "us-central1-b", "europe-west4-a")  # of v3-8


def usual_machine(accelerator: str) -> str:
    """The machine type that is taken where the user names none."""
    return next(iter(ACCELERATORS[accelerator].counts))


def usual_count(accelerator: str, machine_type: str) -> int:
    """The number of accelerators where the user gives none; 1 on a machine that is unknown."""
    return ACCELERATORS[accelerator].counts.get(machine_type, (1,))[0]


def refuse_machine(accelerator: str, machine_type: str) -> str | None:
    """What to do about a machine that does not take the accelerator, or None."""
    if machine_type in ACCELERATORS[accelerator].counts:
        return None
    taken = [name for name, each in ACCELERATORS.items() if machine_type in each.counts]
    if taken:
        return f"{machine_type} takes {taken[0]}; set ACCELERATOR_TYPE={taken[0]}"
    choices = ", ".join(ACCELERATORS[accelerator].counts)
    return f"no such machine is known to take it; set MACHINE_TYPE to one of {choices}"


def refuse_count(accelerator: str, machine_type: str, count: int) -> str | None:
    """What to do about a number of accelerators that the machine does not take, or None."""
    counts = ACCELERATORS[accelerator].counts.get(machine_type)
    if counts is None or count in counts:
        return None
    return f"{machine_type} takes {' or '.join(map(str, counts))} {accelerator}"


def usual_boot_disk(accelerator: str) -> str:
    """The boot disk that is taken where the user names none."""
    return ACCELERATORS[accelerator].boot_disks[0]


def refuse_boot_disk(accelerator: str, disk: str) -> str | None:
    """What to do about a boot disk that the accelerator's machines do not take, or None."""
    disks = ACCELERATORS[accelerator].boot_disks
    return None if disk in disks else f"its machines take {' or '.join(disks)}"


def refuse_strategy(accelerator: str, machine_type: str, strategy: str) -> str | None:
    """What to do about a way to get machines by which this one cannot be had, or None."""
    if strategy == "flex_start" and not ACCELERATORS[accelerator].can_flex_start:
        able = [name for name, each in ACCELERATORS.items() if each.can_flex_start]
        return f"flex_start gives {', '.join(able)}; use spot or standard"
    if strategy == "standard" and machine_type in NEVER_STANDARD:
        return f"{machine_type} can be had as spot and flex_start only; choose one of them"
    return None


def refuse_region(accelerator: str, region: str) -> str | None:
    """What to do about a region without the accelerator, or None."""
    regions = ACCELERATORS[accelerator].regions
    if region in regions:
        return None
    return f"{region} has no {accelerator}; choose one of {', '.join(sorted(regions))}"
