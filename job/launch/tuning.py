"""Hyperparameter tuning on Vertex AI: a study whose trials are custom jobs.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.hyperparameterTuningJobs
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from job.launch.conflicts import clash
from job.launch.paths import refuse_in_cloud
from job.launch.search_space import JUDGED_TOGETHER, TUNABLE, parse_parameters, values_of
from job.launch.settings import LaunchSettings, Target
from job.launch.vertex import as_yaml, custom_job, on_gpus, with_gpu
from job.settings import Conflict, Settings
from job.storage import masked


def _conflicts(s: LaunchSettings) -> Iterator[Conflict]:
    """What a trial would be refused for, or would be sent that others may not read."""
    varied = {
        each["parameterId"]: values_of(each) for each in parse_parameters(s.tuning_parameters)
    }
    own = Settings.conflicts(s)
    for each in with_gpu(s):
        # What trials vary is judged with their values.
        if each not in own or not varied.keys() & {*each.names}:
            yield each
    if s.parallel_trials > s.max_trials:
        remedy = "no more trials can run at a time than there are in all; lower it"
        yield Conflict(("parallel_trials", "max_trials"), remedy)
    for place in map(str, varied.get("pretrained_model_name", ())):
        refused = refuse_in_cloud("pretrained_model_name", place)
        yield from clash(("tuning_parameters",), refused and f"{masked(place)}: {refused}")
    alone = [(name,) for name in TUNABLE if not any(name in names for names in JUDGED_TOGETHER)]
    for names in (*JUDGED_TOGETHER, *alone):
        yield from _of_trials(s, {name: varied[name] for name in names if name in varied}, own)


def _of_trials(
    s: LaunchSettings, varied: Mapping[str, list[Any]], own: list[Conflict]
) -> Iterator[Conflict]:
    """The first trial with each conflict that comes of what is `varied`, and not of `own` alone."""
    given = {name: getattr(s, name) for name in Settings.model_fields if name in s.model_fields_set}
    found: set[Conflict] = set()
    for values in product(*varied.values()):
        trial = dict(zip(varied, values, strict=True))
        for each in Settings.model_validate({**given, **trial}).conflicts():
            is_own = each in own and not varied.keys() & {*each.names}
            if each in found or is_own:
                continue
            found.add(each)
            shown = ", ".join(f"{name}={value}" for name, value in trial.items())
            remedy = f"a trial with {shown} would be refused: {each.remedy}"
            yield Conflict(("tuning_parameters",), remedy)


def _render(settings: LaunchSettings, env: Mapping[str, str]) -> str:
    """A HyperparameterTuningJob, whose trials get their values as flags after `args`."""
    mode, metric = settings.monitored
    # The image may have another default: what trials report is what the study reads.
    env = {**env, "MONITOR": settings.monitor}
    study = {
        "displayName": settings.display_name,
        "maxTrialCount": settings.max_trials,
        "parallelTrialCount": settings.parallel_trials,
        "studySpec": {
            "metrics": [
                {"metricId": metric, "goal": "MINIMIZE" if mode == "min" else "MAXIMIZE"},
            ],
            "parameters": parse_parameters(settings.tuning_parameters),
        },
        "trialJobSpec": custom_job(settings, on_gpus(settings, env)),
    }
    return as_yaml(settings, "hp-tuning-jobs", study)


HPTUNING = Target("vertex-hptuning", _conflicts, _render)
