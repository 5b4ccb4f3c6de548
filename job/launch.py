"""What `python -m job spec` can be told beside the job's own arguments.

Read by the same reader as the others, so names, types and mistakes work alike. They are of no use
to the job itself, which ignores them.
"""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from job.combinations import Combination
from job.kinds import EmptyIsNone, matching
from job.machines import (
    ACCELERATORS,
    TPU_ZONES,
    refuse_count,
    refuse_machine,
    refuse_region,
    usual_count,
    usual_machine,
)
from job.settings import Settings, shown
from job.study import parse_parameters

Target = Literal[
    "vertex-gpu", "vertex-gpu-multinode", "vertex-tpu", "vertex-hptuning", "tpu-vm", "docker"
]
TARGETS: tuple[str, ...] = get_args(Target)
OPERANDS = frozenset({"target"})  # a word of the command line, neither variable nor flag

Image = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9._:/-]*(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})",
        "an image with a tag or a digest, such as "
        "us-central1-docker.pkg.dev/PROJECT/REPOSITORY/korean-ner-job:0.1.0",
    ),
]
Project = Annotated[
    str, matching(r"[a-z][a-z0-9-]{4,28}[a-z0-9](:[a-z0-9-]+)?", "the id of a project")
]
Region = Annotated[str, matching(r"[a-z]+-[a-z]+\d+", "a region such as us-central1")]
Zone = Annotated[str, matching("|".join(TPU_ZONES), f"one of {', '.join(TPU_ZONES)}")]
Account = Annotated[
    str, matching(r"[\w.-]+@[\w.-]+\.gserviceaccount\.com", "the e-mail address of an account")
]
Network = Annotated[
    str,
    matching(
        r"projects/\d+/global/networks/[\w-]+", "projects/PROJECT_NUMBER/global/networks/NAME"
    ),
]
Name = Annotated[str, matching(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "letters, digits and '-'")]


def _check_parameters(text: str) -> str:
    parse_parameters(text)
    return text


def _usual_accelerator(validated: dict[str, Any]) -> str:
    on_tpu = validated["target"] in ("vertex-tpu", "tpu-vm")
    return "TPU_V3" if on_tpu else "NVIDIA_L4"


class LaunchSettings(Settings):
    """The job's arguments and the machine's. Raises pydantic.ValidationError, as Settings does."""

    target: Target = Field("vertex-gpu", description="what the specification is for")

    image: Annotated[Image | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=shown("none; must be set", "Where it runs (spec only)"),
        description="container image with its tag or digest",
    )
    project: Annotated[Project | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=shown("gcloud's own"),
        description="id of the Google Cloud project",
    )
    region: Region = Field("us-central1", description="region of Vertex AI")
    zone: Zone = Field("us-central1-a", description="zone of a TPU VM")
    display_name: Name = Field("korean-ner", description="name of the job, or of the TPU VM")
    service_account: Annotated[Account | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=shown("the platform's own"),
        description="e-mail address of the account that the job acts as",
    )
    network: Annotated[Network | None, EmptyIsNone] = Field(
        None, description="VPC network that Vertex AI peers the job with"
    )

    accelerator_type: Literal[tuple(ACCELERATORS)] = Field(
        default_factory=_usual_accelerator,
        json_schema_extra=shown("NVIDIA_L4; TPU_V3 where a TPU is meant", "Machine (spec only)"),
        description="accelerator by its name in Vertex AI",
    )
    machine_type: str = Field(
        default_factory=lambda validated: usual_machine(validated["accelerator_type"]),
        json_schema_extra=shown("the usual one for ACCELERATOR_TYPE"),
        description="machine type of Compute Engine",
    )
    accelerator_count: int = Field(
        default_factory=lambda validated: usual_count(
            validated["accelerator_type"], validated["machine_type"]
        ),
        ge=1,
        le=16,
        json_schema_extra=shown("the least that MACHINE_TYPE takes"),
        description="accelerators per machine",
    )
    replica_count: int = Field(2, ge=2, le=64, description="machines of vertex-gpu-multinode")
    strategy: Literal["standard", "spot", "flex_start"] = Field(
        "standard",
        description="spot is cheaper and may be taken away; flex_start waits until there is room",
    )
    timeout_hours: float = Field(
        24, gt=0, le=672, description="hours after which Vertex AI stops the job"
    )
    max_wait_hours: float = Field(
        24, gt=0, le=168, description="hours to wait for a machine: flex_start, and QUEUED"
    )
    restart_on_worker_restart: bool = Field(
        False, description="restart all machines of the job when one is restarted"
    )
    boot_disk_type: Literal["pd-ssd", "pd-standard"] = Field(
        "pd-ssd", description="disk of a machine of Vertex AI"
    )
    boot_disk_size_gb: int = Field(100, ge=100, le=64000, description="gigabytes of that disk")
    tpu_version: Annotated[str, matching(r"[\w.-]+", "the name of a runtime version")] = Field(
        "tpu-ubuntu2204-base", description="runtime version of a TPU VM"
    )
    queued: bool = Field(False, description="ask for a TPU VM through a queued resource")
    shm_size_gb: int = Field(
        16, ge=1, le=1024, description="gigabytes of /dev/shm of a container: tpu-vm and docker"
    )

    max_trials: int = Field(
        8,
        ge=1,
        le=1000,
        json_schema_extra=shown(group="Hyperparameter tuning (spec only)"),
        description="trials in all; MONITOR is what they are judged by",
    )
    parallel_trials: int = Field(2, ge=1, le=100, description="trials at a time")
    tuning_parameters: Annotated[str, AfterValidator(_check_parameters)] = Field(
        "learning_rate=1e-5..1e-4:log,batch_size=16|32|64",
        description="what the trials vary: name=low..high[:log] or name=value|value, with commas "
        "between",
    )

    @property
    def base_output_dir(self) -> str:
        """The folder of the run, as Vertex AI wants it."""
        return self.downstream_model_dir.rstrip("/")

    def bad_combinations(self) -> list[Combination]:
        """Those of the job, and what this target cannot be given."""
        return [*super().bad_combinations(), *_clashes(self)]


def _clashes(s: LaunchSettings) -> list[Combination]:
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
        is_late = s.timeout_hours > 168
        remedy = "flex_start gives a machine for 168 hours at most; lower it"
        found.append(_clash(("timeout_hours", "strategy"), is_late and remedy))
        tpu = on_tpu and "flex_start gives GPUs only; use spot, or QUEUED for a TPU VM"
        found.append(_clash(("strategy", "accelerator_type"), tpu))
    return [each for each in found if each]


def _too_many_trials(s: LaunchSettings) -> str | None:
    if s.target == "vertex-hptuning" and s.parallel_trials > s.max_trials:
        return "no more trials can run at a time than there are in all; lower it"
    return None


def _places(s: LaunchSettings) -> list[Combination | None]:
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


def _refuse_place(s: LaunchSettings, name: str) -> str | None:
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
