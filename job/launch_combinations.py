"""Arguments of `spec` that are each fine but that no machine, bucket or target takes together."""

import re
from typing import Any

from job.combinations import Combination
from job.machines import refuse_count, refuse_machine, refuse_region

# https://cloud.google.com/vertex-ai/docs/training/schedule-jobs-dws
FLEX_START_HOURS = 168


def launch_combinations(s: Any) -> list[Combination]:
    """What is wrong with a LaunchSettings, each with the remedy."""
    found = [
        *_places(s),
        _clash(
            ("machine_type", "accelerator_type"), refuse_machine(s.accelerator_type, s.machine_type)
        ),
        _clash(
            ("accelerator_count", "machine_type"),
            refuse_count(s.accelerator_type, s.machine_type, s.accelerator_count),
        ),
    ]
    if s.target.startswith("vertex-"):
        found.append(
            _clash(("region", "accelerator_type"), refuse_region(s.accelerator_type, s.region))
        )
    on_tpu = s.accelerator_type == "TPU_V3"
    if s.target == "docker":
        remedy = "docker starts the job with a GPU; use the target tpu-vm"
        found.append(_clash(("accelerator_type",), on_tpu and remedy))
    elif on_tpu != (s.target in ("vertex-tpu", "tpu-vm")):
        found.append(_clash(("accelerator_type",), f"{s.target} takes no such accelerator"))
    found.append(_clash(("parallel_trials", "max_trials"), _too_many_trials(s)))
    if s.strategy == "flex_start":
        found += _flexible(s, on_tpu)
    return [each for each in found if each]


def _flexible(s: Any, on_tpu: bool) -> list[Combination | None]:
    is_late = s.timeout_hours > FLEX_START_HOURS
    late = f"flex_start gives a machine for {FLEX_START_HOURS} hours at most; lower it"
    gpu = "flex_start gives GPUs only; use spot, or QUEUED for a TPU VM"
    return [
        _clash(("timeout_hours", "strategy"), is_late and late),
        _clash(("strategy", "accelerator_type"), on_tpu and gpu),
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


def _clash(names: tuple[str, ...], remedy: str | bool | None) -> Combination | None:
    return Combination(names, lambda _: True, remedy) if isinstance(remedy, str) else None
