"""Vertex AI's environment variables as plain values.

https://cloud.google.com/vertex-ai/docs/training/code-requirements (AIP_*, set only where the job
has a base output directory: `<base>/[trial/]{model,checkpoints,logs}/`) and
https://cloud.google.com/vertex-ai/docs/training/distributed-training (CLUSTER_SPEC). A node is a
machine; rank 0 is the one of `workerpool0`, and the other pools follow in their order.
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
        spec = json.loads(text)
        return _place(_pools(spec["cluster"]), spec["task"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        shown = text if len(text) <= 120 else f"{text[:117]}..."
        why = f"{error} is missing" if type(error) is KeyError else str(error)
        raise ArgumentError(
            f"CLUSTER_SPEC = {shown!r} cannot be understood ({why}); Vertex AI sets it, so unset "
            f"it elsewhere."
        ) from error


def _pools(cluster: Mapping[str, Any]) -> dict[str, list[str]]:
    """Pool name -> its hosts, in the order of the pools' numbers."""
    names = [name for name in cluster if re.fullmatch(r"workerpool\d+", name)]
    if not names or any(not cluster[name] for name in names):
        raise ValueError("no machine in 'cluster'")
    return {name: list(cluster[name]) for name in sorted(names, key=lambda name: int(name[10:]))}


def _place(pools: Mapping[str, list[str]], task: Mapping[str, Any]) -> _Cluster:
    pool, index = task["type"], int(task["index"])
    if pool not in pools or not 0 <= index < len(pools[pool]):
        raise ValueError(f"task {pool}[{index}] is not in 'cluster'")
    before = list(pools)[: list(pools).index(pool)]
    address, _, port = next(iter(pools.values()))[0].rpartition(":")
    if not address or not 0 < int(port) < 65536:
        raise ValueError("the first machine is not host:port")
    return _Cluster(
        node_rank=sum(len(pools[name]) for name in before) + index,
        node_count=sum(len(hosts) for hosts in pools.values()),
        main_address=address,
        main_port=int(port),
        trial=str(task.get("trial") or ""),
    )
