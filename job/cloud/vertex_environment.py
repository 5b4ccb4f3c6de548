"""Vertex AI's environment variables as plain values.

https://cloud.google.com/vertex-ai/docs/training/code-requirements (AIP_*, set only where the job
has a base output directory: `<base>/[trial/]{model,checkpoints,logs}/`) and
https://cloud.google.com/vertex-ai/docs/training/distributed-training (CLUSTER_SPEC). A node is a
machine; rank 0 is the one of `workerpool0`, and those of `workerpool1` follow. The third and the
fourth pool are not for machines that train.
"""

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from job.errors import ArgumentError, UnavailableError
from job.machine import is_in_cloud

LOST = (
    "a machine of Vertex AI is deleted with all that it wrote; set it to gs://BUCKET/FOLDER, or to "
    "/gcs/BUCKET/FOLDER, where Vertex AI mounts the bucket"
)
DEFAULT_METRIC_FILE = "/tmp/hypertune/output.metrics"
# What Vertex AI has in the pools after those that train.
_OTHERS = {
    "workerpool2": "parameter servers or the Reduction Server",
    "workerpool3": "evaluators",
}
_ADDRESS = re.compile(r"[^\s:/]+:([0-9]{1,5})")


@dataclass(frozen=True)
class VertexEnvironment:
    """Outside Vertex AI: `in_cloud` is False and the one node is this machine."""

    in_cloud: bool = False
    model_dir: str | None = None
    checkpoint_dir: str | None = None
    tensorboard_dir: str | None = None
    base_dir: str | None = None  # the folder in which the three lie, without a slash at the end
    node_rank: int = 0
    node_count: int = 1
    main_address: str = "127.0.0.1"
    main_port: int = 2222
    trial_id: str | None = None
    metric_file: str = DEFAULT_METRIC_FILE  # where hyperparameter tuning looks for the metric


@dataclass(frozen=True)
class _Cluster:
    node_rank: int = 0
    node_count: int = 1
    main_address: str = "127.0.0.1"
    main_port: int = 2222
    trial: str = ""


def read_vertex(environ: Mapping[str, str]) -> VertexEnvironment:
    """Raises ArgumentError when CLUSTER_SPEC cannot be understood."""
    model_dir, checkpoint_dir, tensorboard_dir = (
        environ.get(name) or None
        for name in ("AIP_MODEL_DIR", "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR")
    )
    base_dir = _parent(model_dir, "model") or _parent(checkpoint_dir, "checkpoints")
    spec = environ.get("CLUSTER_SPEC", "").strip()
    cluster = _read_cluster(spec) if spec else _Cluster()
    return VertexEnvironment(
        in_cloud=is_in_cloud(environ),
        model_dir=model_dir,
        checkpoint_dir=checkpoint_dir,
        tensorboard_dir=tensorboard_dir,
        base_dir=base_dir,
        node_rank=cluster.node_rank,
        node_count=cluster.node_count,
        main_address=cluster.main_address,
        main_port=cluster.main_port,
        trial_id=environ.get("CLOUD_ML_TRIAL_ID") or cluster.trial or None,
        metric_file=environ.get("CLOUD_ML_HP_METRIC_FILE") or DEFAULT_METRIC_FILE,
    )


def is_lost(url: str, environ: Mapping[str, str], folder: Path) -> bool:
    """Whether what is written there ends with a machine of Vertex AI: on its disk, in its memory.

    `folder` is where relative paths begin. Buckets are mounted below /gcs, network drives below
    /mnt/nfs: https://cloud.google.com/vertex-ai/docs/training/code-requirements and
    https://cloud.google.com/vertex-ai/docs/training/train-nfs-share. A cluster of one's own, which
    sets CLUSTER_SPEC alone, may share a path.
    """
    if not is_in_cloud({name: value for name, value in environ.items() if name != "CLUSTER_SPEC"}):
        return False
    scheme, mark, path = url.rpartition("://")
    if mark and scheme.lower() not in ("file", "local"):
        return scheme.lower() == "memory"
    whole = posixpath.normpath(posixpath.join(folder.absolute(), path))
    return not re.match(r"/{1,2}(gcs|mnt/nfs)/[^/]", whole)


def require_one_machine(vertex: VertexEnvironment, what: str) -> None:
    """Raises UnavailableError on a cluster. `what` can be done on one machine only."""
    if vertex.node_count > 1:
        raise UnavailableError(
            f"CLUSTER_SPEC names {vertex.node_count} machines, and {what} takes one; start it with "
            "one worker pool of one replica."
        )


def _parent(url: str | None, name: str) -> str | None:
    """`gs://b/run` for `gs://b/run/model/`; the folder itself where it has another name."""
    return url.rstrip("/").removesuffix(f"/{name}") if url else None


def _read_cluster(text: str) -> _Cluster:
    try:
        spec = _object(json.loads(text), "it")
        pools, task = _pools(_object(spec["cluster"], "'cluster'")), _object(spec["task"], "'task'")
        _refuse_others(pools, task)
        return _place({name: pools[name] for name in pools if name not in _OTHERS}, task)
    except (ValueError, KeyError, RecursionError) as error:
        shown = text if len(text) <= 120 else f"{text[:117]}..."
        why = f"{error} is missing" if type(error) is KeyError else str(error)
        raise ArgumentError(
            f"CLUSTER_SPEC = {shown!r} cannot be understood ({why}); Vertex AI sets it, so unset "
            f"it elsewhere."
        ) from error


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no JSON object")
    return value


def _pools(cluster: Mapping[str, Any]) -> dict[str, list[str]]:
    """Pool name -> its machines as host:port, in the order of the pools' numbers. One that the job
    leaves out may be empty."""
    names = sorted(name for name in cluster if re.fullmatch(r"workerpool[0-9]+", name))
    if "workerpool0" not in names or not cluster["workerpool0"]:
        raise ValueError("no machine in 'workerpool0'")
    for name in names:
        if name not in ("workerpool0", "workerpool1", *_OTHERS):
            raise ValueError("Vertex AI has four pools, 'workerpool0' to 'workerpool3'")
        if not isinstance(cluster[name], list):
            raise ValueError(f"'{name}' is no list")
    seen = set()
    for address in (address for name in names for address in cluster[name]):
        found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if not found or not 0 < int(found[1]) < 65536:
            raise ValueError(f"{_short(address)} is not host:port")
        if address in seen:
            raise ValueError(f"{_short(address)} is named twice")
        seen.add(address)
    return {name: cluster[name] for name in names}


def _refuse_others(pools: Mapping[str, list[str]], task: Mapping[str, Any]) -> None:
    """Refuses a cluster in which some machines are not there to train, this one or others."""
    for name, kind in _OTHERS.items():
        if pools.get(name) or task.get("type") == name:
            raise ArgumentError(
                f"CLUSTER_SPEC has a machine in {name}, which Vertex AI keeps for {kind}, and this "
                "job has none; put all machines but the first into the second pool, workerpool1."
            )


def _place(pools: Mapping[str, list[str]], task: Mapping[str, Any]) -> _Cluster:
    pool, index = task["type"], task["index"]
    if type(index) is not int:
        raise ValueError(f"the task's index, {_short(index)}, is no whole number")
    if not isinstance(pool, str) or not 0 <= index < len(pools.get(pool, ())):
        raise ValueError(f"the task, number {_short(index)} of {_short(pool)}, is not in 'cluster'")
    address, _, port = pools["workerpool0"][0].rpartition(":")
    before = 0 if pool == "workerpool0" else len(pools["workerpool0"])
    return _Cluster(
        node_rank=before + index,
        node_count=sum(len(hosts) for hosts in pools.values()),
        main_address=address,
        main_port=int(port),
        trial=str(task.get("trial") or ""),
    )


def _short(value: object) -> str:
    return f"{value!r:.60}"
