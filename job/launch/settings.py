"""What `python -m job spec` can be told beside the job's own arguments.

Read by the same reader as the others, so names, types and mistakes work alike. They are of no use
to the job itself, which ignores them.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from job.launch.catalog import (
    ACCELERATORS,
    TPU_ZONES,
    usual_boot_disk,
    usual_count,
    usual_machine,
)
from job.launch.conflicts import launch_combinations
from job.launch.search_space import parse_parameters
from job.launch.target import ON_TPU, Target
from job.settings import Combination, EmptyIsNone, Settings, matching, shown

OPERANDS = frozenset({"target"})  # a word of the command line, neither variable nor flag

# A registry with its port, folders, and what tells one image from the next.
_IMAGE = (
    r"(?=.*(:[^/]+|@[^/]+)$)([a-z0-9.-]+(:\d+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
Image = Annotated[
    str,
    matching(
        _IMAGE,
        "an image with a tag or a digest, such as "
        "us-central1-docker.pkg.dev/PROJECT/REPOSITORY/korean-ner-job:0.1.0",
    ),
]
Project = Annotated[
    str, matching(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", "the id of a project")
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
    on_tpu = validated["target"] in ON_TPU
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
        24, ge=0.1, le=672, description="hours after which the job is stopped"
    )
    max_wait_hours: float = Field(
        24, ge=0.1, le=168, description="hours to wait for a machine: flex_start, and QUEUED"
    )
    restart_on_worker_restart: bool = Field(
        False, description="restart all machines of the job when one is restarted"
    )
    boot_disk_type: Literal["pd-ssd", "pd-standard", "hyperdisk-balanced"] = Field(
        default_factory=lambda validated: usual_boot_disk(validated["accelerator_type"]),
        json_schema_extra=shown("pd-ssd; hyperdisk-balanced with H200"),
        description="disk of a machine of Vertex AI",
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
        varied = set()
        if self.target == "vertex-hptuning":  # what trials vary is judged with their values
            varied = {each["parameterId"] for each in parse_parameters(self.tuning_parameters)}
        own = [each for each in super().bad_combinations() if not varied & {*each.names}]
        return [*own, *launch_combinations(self)]
