"""Arguments of `spec` that are each fine but that no machine, bucket or target takes together."""

import re
from itertools import product
from typing import Any

from job.launch.catalog import (
    refuse_boot_disk,
    refuse_count,
    refuse_machine,
    refuse_region,
    refuse_strategy,
)
from job.launch.paths import PLACES, refuse_place
from job.launch.search_space import parse_parameters, values_of
from job.launch.target import ON_TPU, ON_VERTEX
from job.settings import COMBINATIONS, Combination, Settings
from job.storage import masked

# https://cloud.google.com/vertex-ai/docs/training/schedule-jobs-dws
FLEX_START_HOURS = 168
_EIGHT = "a v3-8 has eight cores, and all are paid; leave TPU_CORES out"
_TOGETHER = "a machine of a cluster that is restarted alone finds nobody; leave it out"


def launch_combinations(s: Any) -> list[Combination]:
    """What is wrong with a LaunchSettings, each with the remedy."""
    found = [*_places(s), *_computing(s)]
    found.append(_clash(("accelerator_type", "target"), _refuse_accelerator_type(s)))
    if s.target in ON_VERTEX:
        found += [*_machine(s), *_on_vertex(s)]
    if s.target == "vertex-hptuning":
        found += _tuning(s)
    return [each for each in found if each]


def _machine(s: Any) -> list[Combination | None]:
    type_, machine = s.accelerator_type, s.machine_type
    return [
        _clash(("machine_type", "accelerator_type"), refuse_machine(type_, machine)),
        _clash(
            ("accelerator_count", "machine_type"), refuse_count(type_, machine, s.accelerator_count)
        ),
    ]


def _refuse_accelerator_type(s: Any) -> str | None:
    if s.target == "docker" or (s.accelerator_type == "TPU_V3") == (s.target in ON_TPU):
        return None
    usual = "TPU_V3" if s.target in ON_TPU else "NVIDIA_L4"
    return f"{s.target} takes no such accelerator; leave ACCELERATOR_TYPE out ({usual})"


def _on_vertex(s: Any) -> list[Combination | None]:
    type_, machine = s.accelerator_type, s.machine_type
    is_late = s.strategy == "flex_start" and s.timeout_hours > FLEX_START_HOURS
    said = "restart_on_worker_restart" in s.model_fields_set
    is_alone = s.target == "vertex-gpu-multinode" and said and not s.restart_on_worker_restart
    late = f"flex_start gives a machine for {FLEX_START_HOURS} hours at most; lower it"
    return [
        _clash(("region", "accelerator_type"), refuse_region(type_, s.region)),
        _clash(("boot_disk_type", "accelerator_type"), refuse_boot_disk(type_, s.boot_disk_type)),
        _clash(("strategy", "accelerator_type"), refuse_strategy(type_, machine, s.strategy)),
        _clash(("timeout_hours", "strategy"), is_late and late),
        _clash(("restart_on_worker_restart", "target"), is_alone and _TOGETHER),
    ]


def _computing(s: Any) -> list[Combination | None]:
    """What the job would refuse where it is started: known here, before a machine costs money."""
    if s.target in ON_TPU:
        there = s.model_copy(update={"accelerator": "tpu"})
        refused = [each for each in COMBINATIONS if each.is_bad(there) and not each.is_bad(s)]
        is_other = s.accelerator in ("cpu", "gpu")
        flexible = s.target == "tpu-vm" and s.strategy == "flex_start"
        return [
            _clash(("accelerator", "target"), is_other and "it has a TPU; leave ACCELERATOR out"),
            _clash(("tpu_cores", "target"), s.tpu_cores not in (0, 8) and _EIGHT),
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
    if s.parallel_trials > s.max_trials:
        return "no more trials can run at a time than there are in all; lower it"
    return None


def _places(s: Any) -> list[Combination | None]:
    """What concerns images, buckets, folders and secrets."""
    found = [_clash(("image",), _refuse_image(s))]
    for name in PLACES:
        found.append(_clash((name,), refuse_place(s, name, getattr(s, name) or "")))
    if s.target == "docker":
        found.append(_clash(("cache_dir",), refuse_place(s, "cache_dir", str(s.cache_dir))))
    if s.hf_token and not s.hf_token_secret and s.target != "docker":
        remedy = (
            "a specification shows it to everyone who may read the job; put it into Secret "
            "Manager, name it in HF_TOKEN_SECRET, and unset HF_TOKEN"
        )
        found.append(_clash(("hf_token",), remedy))
    return found


def _refuse_image(s: Any) -> str | None:
    if s.image is None:
        return "name the container image that is to run"
    is_elsewhere = re.match(r"(?!localhost|127\.)[^/]*[.:][^/]*/", s.image)
    if s.target != "docker" and not is_elsewhere:
        return (
            "a machine in the cloud has no images of its own; name the registry, too: "
            "REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE:TAG"
        )
    return None


class _Trial(Settings):
    """The arguments of one, whose defaults follow from what it varies."""

    def bad_combinations(self) -> list[Combination]:
        return []


def _tuning(s: Any) -> list[Combination | None]:
    """What a trial would be refused for, or would be sent that others may not read."""
    found = [_clash(("parallel_trials", "max_trials"), _too_many_trials(s))]
    varied = {
        each["parameterId"]: values_of(each) for each in parse_parameters(s.tuning_parameters)
    }
    for place in varied.get("pretrained_model_name", ()):
        remedy = refuse_place(s, "pretrained_model_name", str(place))
        found.append(_clash(("tuning_parameters",), remedy and f"{masked(str(place))}: {remedy}"))
    given = {name: getattr(s, name) for name in Settings.model_fields if name in s.model_fields_set}
    for each in COMBINATIONS:
        names = (*each.names, "long_sentences") if "window_stride" in each.names else each.names
        together = [name for name in names if name in varied]
        for values in product(*(varied[name] for name in together)) if together else ():
            trial = dict(zip(together, values, strict=True))
            if each.is_bad(_Trial(**{**given, **trial})):
                shown = ", ".join(f"{name}={value}" for name, value in trial.items())
                remedy = f"a trial with {shown} would be refused: {each.remedy}"
                found.append(_clash(("tuning_parameters",), remedy))
                break
    return found


def _clash(names: tuple[str, ...], remedy: str | bool | None) -> Combination | None:
    return Combination(names, lambda _: True, remedy) if isinstance(remedy, str) else None
