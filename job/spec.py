"""`python -m job spec TARGET`: the given arguments as what gcloud or docker takes.

What was given as flag, variable or line of .env becomes a variable of the container; a default
does not, so that an image with newer defaults uses them. Secrets never go in.
"""

import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from job.launch import (
    ON_TPU,
    ON_VERTEX,
    LaunchSettings,
    custom_job,
    docker_run,
    tpu_vm_script,
    tuning_job,
)
from job.settings import Parsed, Settings

# The base output directory says it on Vertex AI, where trials have folders of their own in it.
_SAID_BY_VERTEX = frozenset({"downstream_model_dir"})
_NOT_GIVEN = frozenset({"default", "sample preset"})


def render(parsed: Parsed) -> str:
    """The whole text for stdout, without the last line end."""
    settings = parsed.settings
    assert isinstance(settings, LaunchSettings)
    env = container_env(parsed)
    if settings.target == "docker":
        text = _head(settings, []) + docker_run(settings, env)
    elif settings.target == "tpu-vm":
        text = tpu_vm_script(settings, env)
    elif settings.target == "vertex-hptuning":
        text = _yaml(settings, "hp-tuning-jobs", tuning_job(settings, env))
    else:
        text = _yaml(settings, "custom-jobs", custom_job(settings, env))
    return text.rstrip("\n")


def container_env(parsed: Parsed) -> dict[str, str]:
    """Variable → value, as text: what was given, and what the target needs."""
    settings, values = parsed.settings, parsed.settings.public_values()
    left_out = _SAID_BY_VERTEX if settings.target in ON_VERTEX else ()
    given = [name for name in values if parsed.sources[name] not in _NOT_GIVEN]
    env = {
        name.upper(): _text(values[name])
        for name in Settings.model_fields
        if name in given and name not in left_out and values[name] is not None
    }
    # The image alone trains the sample; a job in the cloud says what it trains on.
    corpus = {"DOWNSTREAM_CORPUS_NAME": settings.downstream_corpus_name}
    return {**_needed(settings), **corpus, **env}


def _needed(settings: LaunchSettings) -> dict[str, str]:
    """A machine that lacks its accelerator is an error there, not a slow run on its CPU."""
    if settings.target in ON_TPU:
        return {"ACCELERATOR": "tpu", "TPU_CORES": "8", "PJRT_DEVICE": "TPU"}
    return {"ACCELERATOR": "gpu"}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _yaml(settings: LaunchSettings, collection: str, body: Mapping[str, Any]) -> str:
    file = f"{settings.target}.yaml"
    command = ["gcloud", "ai", collection, "create", f"--region={settings.region}"]
    if settings.project:
        command.append(f"--project={settings.project}")
    command += [f"--display-name={settings.display_name}", f"--config={file}"]
    head = _head(settings, [f"Saved as {file}, it is started by", f"  {shlex.join(command)}"])
    dumped = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1000)
    return head + dumped


def _head(settings: LaunchSettings, lines: list[str]) -> str:
    """Comment lines: where the text is from, how it is used, and what it will not do."""
    told = [f"Written by `python -m job spec {settings.target}`.", *lines]
    if settings.accelerator_type != "TPU_V3" and settings.accelerator_count > 1:
        told.append(f"The job computes on one of the {settings.accelerator_count} GPUs.")
    if settings.compile:
        told.append("COMPILE needs a compiler: take an image of your own that has one.")
    return "".join(f"# {line}\n" for line in told)
