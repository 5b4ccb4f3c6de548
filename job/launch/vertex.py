"""What `gcloud ai … create --config` takes, as plain values in Vertex AI's own spelling.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec and
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.hyperparameterTuningJobs
"""

from collections.abc import Mapping
from typing import Any

from job.launch.search_space import parse_parameters
from job.launch.settings import LaunchSettings


def custom_job(settings: LaunchSettings, env: Mapping[str, str]) -> dict[str, Any]:
    """A CustomJobSpec. `env` are the variables of the container."""
    spec: dict[str, Any] = {
        "baseOutputDirectory": {"outputUriPrefix": settings.base_output_dir},
        "scheduling": _scheduling(settings),
    }
    if settings.service_account:
        spec["serviceAccount"] = settings.service_account
    if settings.network:
        spec["network"] = settings.network
    # The first pool is one machine; the others of a cluster are the second.
    counts = [1]
    if settings.target == "vertex-gpu-multinode":
        counts.append(settings.replica_count - 1)
    return {**spec, "workerPoolSpecs": [_pool(settings, env, count) for count in counts]}


def tuning_job(settings: LaunchSettings, env: Mapping[str, str]) -> dict[str, Any]:
    """A HyperparameterTuningJob, whose trials get their values as flags after `args`."""
    mode, metric = settings.monitored
    return {
        "displayName": settings.display_name,
        "maxTrialCount": settings.max_trials,
        "parallelTrialCount": settings.parallel_trials,
        "studySpec": {
            "metrics": [
                {"metricId": metric, "goal": "MINIMIZE" if mode == "min" else "MAXIMIZE"},
            ],
            "parameters": parse_parameters(settings.tuning_parameters),
        },
        "trialJobSpec": custom_job(settings, env),
    }


def _scheduling(settings: LaunchSettings) -> dict[str, Any]:
    # A machine of a cluster that comes back alone would find nobody.
    is_cluster = settings.target == "vertex-gpu-multinode"
    scheduling: dict[str, Any] = {
        "timeout": seconds(settings.timeout_hours),
        "restartJobOnWorkerRestart": settings.restart_on_worker_restart or is_cluster,
    }
    if settings.strategy != "standard":
        scheduling["strategy"] = settings.strategy.upper()
    if settings.strategy == "flex_start":
        scheduling["maxWaitDuration"] = seconds(settings.max_wait_hours)
    return scheduling


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
