"""What a specification can be for, and which of its own arguments each target takes."""

from typing import Literal, get_args

Target = Literal[
    "vertex-gpu", "vertex-gpu-multinode", "vertex-tpu", "vertex-hptuning", "tpu-vm", "docker"
]
TARGETS: tuple[str, ...] = get_args(Target)
ON_TPU = ("vertex-tpu", "tpu-vm")
ON_VERTEX = tuple(target for target in TARGETS if target.startswith("vertex-"))
IN_CLOUD = (*ON_VERTEX, "tpu-vm")

# Those that are not named here are taken by all. A variable may serve several targets, as in a
# .env file; a flag that does nothing is a mistake.
TAKEN_BY: dict[str, tuple[str, ...]] = {
    "cache_dir": ("docker",),  # a folder of the machine on which the specification is written
    "project": IN_CLOUD,
    "region": ON_VERTEX,
    "zone": ("tpu-vm",),
    "display_name": IN_CLOUD,
    "service_account": IN_CLOUD,
    "network": IN_CLOUD,
    "accelerator_type": IN_CLOUD,
    "machine_type": ON_VERTEX,
    "accelerator_count": ON_VERTEX,
    "replica_count": ("vertex-gpu-multinode",),
    "strategy": IN_CLOUD,
    "timeout_hours": IN_CLOUD,
    "max_wait_hours": IN_CLOUD,
    "restart_on_worker_restart": ON_VERTEX,
    "boot_disk_type": ON_VERTEX,
    "boot_disk_size_gb": ON_VERTEX,
    "tpu_version": ("tpu-vm",),
    "queued": ("tpu-vm",),
    "shm_size_gb": ("tpu-vm", "docker"),
    "max_trials": ("vertex-hptuning",),
    "parallel_trials": ("vertex-hptuning",),
    "tuning_parameters": ("vertex-hptuning",),
}
