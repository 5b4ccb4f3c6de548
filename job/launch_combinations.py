"""Arguments of `spec` that are each fine but that no machine, bucket or target takes together."""

import re
from typing import Any

from job.combinations import COMBINATIONS, Combination
from job.machines import (
    refuse_boot_disk,
    refuse_count,
    refuse_machine,
    refuse_region,
    refuse_strategy,
)

# https://cloud.google.com/vertex-ai/docs/training/schedule-jobs-dws
FLEX_START_HOURS = 168
_ON_TPU = ("vertex-tpu", "tpu-vm")


def launch_combinations(s: Any) -> list[Combination]:
    """What is wrong with a LaunchSettings, each with the remedy."""
    found = [*_places(s), *_computing(s), *_machine(s)]
    if s.target.startswith("vertex-"):
        found += _on_vertex(s)
    found.append(_clash(("parallel_trials", "max_trials"), _too_many_trials(s)))
    return [each for each in found if each]


def _machine(s: Any) -> list[Combination | None]:
    type_, machine = s.accelerator_type, s.machine_type
    return [
        _clash(("accelerator_type", "target"), _refuse_accelerator_type(s)),
        _clash(("machine_type", "accelerator_type"), refuse_machine(type_, machine)),
        _clash(
            ("accelerator_count", "machine_type"), refuse_count(type_, machine, s.accelerator_count)
        ),
    ]


def _refuse_accelerator_type(s: Any) -> str | None:
    on_tpu = s.accelerator_type == "TPU_V3"
    if s.target == "docker":
        return "docker starts the job with a GPU; use the target tpu-vm" if on_tpu else None
    return None if on_tpu == (s.target in _ON_TPU) else f"{s.target} takes no such accelerator"


def _on_vertex(s: Any) -> list[Combination | None]:
    type_, machine = s.accelerator_type, s.machine_type
    is_late = s.strategy == "flex_start" and s.timeout_hours > FLEX_START_HOURS
    late = f"flex_start gives a machine for {FLEX_START_HOURS} hours at most; lower it"
    return [
        _clash(("region", "accelerator_type"), refuse_region(type_, s.region)),
        _clash(("boot_disk_type", "accelerator_type"), refuse_boot_disk(type_, s.boot_disk_type)),
        _clash(("strategy", "accelerator_type"), refuse_strategy(type_, machine, s.strategy)),
        _clash(("timeout_hours", "strategy"), is_late and late),
    ]


def _computing(s: Any) -> list[Combination | None]:
    """What the job would refuse where it is started: known here, before a machine costs money."""
    if s.target in _ON_TPU:
        there = s.model_copy(update={"accelerator": "tpu"})
        refused = [each for each in COMBINATIONS if each.is_bad(there) and not each.is_bad(s)]
        is_other = s.accelerator in ("cpu", "gpu")
        flexible = s.target == "tpu-vm" and s.strategy == "flex_start"
        return [
            _clash(("accelerator", "target"), is_other and "it has a TPU; leave ACCELERATOR out"),
            _clash(("strategy", "target"), flexible and "use spot, or QUEUED to wait for room"),
            *(_clash((*each.names, "target"), each.remedy) for each in refused if not is_other),
        ]
    is_other = s.accelerator == "tpu" or (s.accelerator == "cpu" and s.target != "docker")
    remedy = "it has a GPU; leave ACCELERATOR out"
    cores = "it has no TPU; leave TPU_CORES out, or use the target vertex-tpu or tpu-vm"
    return [
        _clash(("accelerator", "target"), is_other and not s.tpu_cores and remedy),
        _clash(("tpu_cores", "target"), s.tpu_cores > 0 and cores),
    ]


def _too_many_trials(s: Any) -> str | None:
    if s.target == "vertex-hptuning" and s.parallel_trials > s.max_trials:
        return "no more trials can run at a time than there are in all; lower it"
    return None


def _places(s: Any) -> list[Combination | None]:
    """What concerns images, buckets, folders and secrets."""
    found = [_clash(("image",), s.image is None and "name the container image that is to run")]
    for name in ("downstream_model_dir", "downstream_corpus_root_dir", "pretrained_model_name"):
        found.append(_clash((name,), _refuse_place(s, name)))
    found.append(_clash(("resume",), _refuse_checkpoint(s)))
    if s.hf_token and not s.hf_token_secret and s.target != "docker":
        remedy = (
            "a specification shows it to everyone who may read the job; put it into Secret "
            "Manager, name it in HF_TOKEN_SECRET, and unset HF_TOKEN"
        )
        found.append(_clash(("hf_token",), remedy))
    return found


def _refuse_place(s: Any, name: str) -> str | None:
    url = getattr(s, name) or ""
    if re.match(r"gs:", url) and not re.match(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/|$)", url):
        return "it names no bucket; write gs://BUCKET/FOLDER"
    if re.search(r"://[^/@\s]+@", url):
        return "a specification would show the password in it; use a bucket"
    if s.target == "docker":
        return None
    if name == "downstream_model_dir" and not url.startswith("gs://"):
        return "the machine is deleted with all that it wrote; set it to gs://BUCKET/FOLDER"
    if re.match(r"[~./]|file:|local:", url):
        return "a machine in the cloud has no such folder; copy it into a bucket"
    return None


def _refuse_checkpoint(s: Any) -> str | None:
    if s.resume in ("auto", "never") or ("://" in s.resume and not s.resume.startswith("file:")):
        return None
    return (
        "the container has no such folder; copy it into a bucket, or leave RESUME out, which goes "
        "on from the newest checkpoint in DOWNSTREAM_MODEL_DIR"
    )


def _clash(names: tuple[str, ...], remedy: str | bool | None) -> Combination | None:
    return Combination(names, lambda _: True, remedy) if isinstance(remedy, str) else None
