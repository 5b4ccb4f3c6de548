"""Specifications for `gcloud ai … create --config`, as plain values in Vertex AI's own spelling.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from job.figures import counted
from job.launch.catalog import refuse_boot_disk, refuse_count, refuse_machine, refuse_strategy
from job.launch.conflicts import clash, in_cloud, of_the_job, on_gpu, on_tpu
from job.launch.header import header
from job.launch.settings import ON_GPU, ON_TPU, LaunchSettings, Target
from job.settings import Conflict

# https://cloud.google.com/vertex-ai/docs/training/schedule-jobs-dws
FLEX_START_HOURS = 168
# Where the user says none: to Vertex AI an exit code other than 0 ends the job for good.
_RESTARTS = 3


def custom_job(
    settings: LaunchSettings, env: Mapping[str, str], machines: int = 1
) -> dict[str, Any]:
    """A CustomJobSpec. `env` are the variables of the container."""
    spec: dict[str, Any] = {
        "baseOutputDirectory": {"outputUriPrefix": settings.base_output_dir},
        "scheduling": _scheduling(settings, is_cluster=machines > 1),
    }
    if settings.service_account:
        spec["serviceAccount"] = settings.service_account
    if settings.network:
        spec["network"] = settings.network
    # The first pool is one machine; the others of a cluster are the second.
    counts = [1, machines - 1] if machines > 1 else [1]
    return {**spec, "workerPoolSpecs": [_pool(settings, env, count) for count in counts]}


def as_yaml(settings: LaunchSettings, collection: str, body: Mapping[str, Any]) -> str:
    """The file for `gcloud ai COLLECTION create`, and that command in its first lines."""
    import yaml  # only here: most commands need none

    file = f"{settings.target}.yaml"
    command = ["gcloud", "ai", collection, "create", f"--region={settings.region}"]
    if settings.project:
        command.append(f"--project={settings.project}")
    command += [f"--display-name={settings.display_name}", f"--config={file}"]
    head = header(settings, f"Saved as {file}, it is started by", f"  {shlex.join(command)}")
    return head + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1000)


def on_vertex(s: LaunchSettings) -> Iterator[Conflict]:
    """The conflicts for which Vertex AI has no machine."""
    type_, machine = s.accelerator_type, s.machine_type
    count = refuse_count(type_, machine, s.accelerator_count)
    yield from clash(("machine_type", "accelerator_type"), refuse_machine(type_, machine))
    yield from clash(("accelerator_count", "machine_type"), count)
    disk = refuse_boot_disk(type_, s.boot_disk_type)
    yield from clash(("boot_disk_type", "accelerator_type"), disk)
    yield from clash(("strategy", "accelerator_type"), refuse_strategy(type_, s.strategy))
    if s.strategy == "flex_start" and s.timeout_hours > FLEX_START_HOURS:
        remedy = f"flex_start gives a machine for {FLEX_START_HOURS} hours at most; lower it"
        yield Conflict(("timeout_hours", "strategy"), remedy)


def variables(env: Mapping[str, str]) -> dict[str, str]:
    """Without the output: the base output directory says it, in which trials have folders."""
    return {name: value for name, value in env.items() if name != "DOWNSTREAM_MODEL_DIR"}


def _scheduling(settings: LaunchSettings, is_cluster: bool) -> dict[str, Any]:
    # The others wait for a machine that comes back only where they would start again with it.
    needs_all = is_cluster and not _restarts(settings)
    scheduling: dict[str, Any] = {
        "timeout": seconds(settings.timeout_hours),
        "restartJobOnWorkerRestart": settings.restart_on_worker_restart or needs_all,
    }
    if settings.strategy != "standard":
        scheduling["strategy"] = settings.strategy.upper()
    if settings.strategy == "flex_start":
        scheduling["maxWaitDuration"] = seconds(settings.max_wait_hours)
    return scheduling


def on_gpus(settings: LaunchSettings, env: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container on a machine with GPUs. `env` are those that were given."""
    return {**ON_GPU, "RESTARTS": str(_restarts(settings)), **variables(env)}


def _restarts(settings: LaunchSettings) -> int:
    return settings.restarts if "restarts" in settings.model_fields_set else _RESTARTS


def seconds(hours: float) -> str:
    """Hours as protobuf's JSON writes a duration."""
    return f"{round(hours * 3600)}s"


def _pool(settings: LaunchSettings, env: Mapping[str, str], count: int) -> dict[str, Any]:
    return {
        "replicaCount": count,
        "machineSpec": {
            "machineType": settings.machine_type,
            "acceleratorType": settings.accelerator_type,
            "acceleratorCount": settings.accelerator_count,
        },
        "diskSpec": {
            "bootDiskType": settings.boot_disk_type,
            "bootDiskSizeGb": settings.boot_disk_size_gb,
        },
        "containerSpec": {
            "imageUri": settings.image,
            "args": ["train"],
            "env": [{"name": name, "value": value} for name, value in env.items()],
        },
    }


def with_gpu(s: LaunchSettings) -> Iterator[Conflict]:
    """All that a machine of Vertex AI with a GPU cannot be given."""
    yield from of_the_job(s)
    yield from in_cloud(s)
    yield from on_gpu(s)
    yield from on_vertex(s)
    if s.devices is not None and s.devices > s.accelerator_count:
        remedy = f"a machine has {counted(s.accelerator_count, 'GPU')}; lower DEVICES, or leave it "
        yield Conflict(("devices", "accelerator_count"), f"{remedy}out for all")


def _with_gpus(s: LaunchSettings) -> Iterator[Conflict]:
    yield from with_gpu(s)
    is_said = "restart_on_worker_restart" in s.model_fields_set
    if is_said and not s.restart_on_worker_restart and not _restarts(s):
        remedy = "a machine of a cluster that is restarted alone finds nobody; leave one of the two"
        yield Conflict(("restart_on_worker_restart", "restarts"), f"{remedy} out")


def _with_tpu(s: LaunchSettings) -> Iterator[Conflict]:
    yield from of_the_job(s)
    yield from in_cloud(s)
    yield from on_tpu(s)
    yield from on_vertex(s)


def _one(s: LaunchSettings, env: Mapping[str, str]) -> str:
    return as_yaml(s, "custom-jobs", custom_job(s, on_gpus(s, env)))


def _several(s: LaunchSettings, env: Mapping[str, str]) -> str:
    return as_yaml(s, "custom-jobs", custom_job(s, on_gpus(s, env), machines=s.replica_count))


def _tpu(s: LaunchSettings, env: Mapping[str, str]) -> str:
    return as_yaml(s, "custom-jobs", custom_job(s, {**ON_TPU, **variables(env)}))


GPU = Target("vertex-gpu", with_gpu, _one)
MULTINODE = Target("vertex-gpu-multinode", _with_gpus, _several)
TPU = Target("vertex-tpu", _with_tpu, _tpu, has_tpu=True)
