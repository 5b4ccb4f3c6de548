"""The arguments of `python -m job spec` beside the job's own.

Read by the same reader as the others, so names, types and mistakes work alike. They are of no use
to the job itself, which ignores them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, InstanceOf

from job.launch.catalog import (
    AcceleratorType,
    BootDisk,
    usual_boot_disk,
    usual_count,
    usual_machine,
)
from job.launch.search_space import parse_parameters
from job.settings import (
    Conflict,
    EmptyIsNone,
    LocalFolder,
    Settings,
    default_cache_dir,
    in_help,
    matching,
)

# The container's variables: a machine without its accelerator is an error, not a slow run on a CPU.
ON_GPU = {"ACCELERATOR": "gpu"}
ON_TPU = {"ACCELERATOR": "tpu", "TPU_CORES": "8", "PJRT_DEVICE": "TPU"}
# Which targets a field is for. One that names none is for all of them. A variable may serve several
# targets, as in a .env file; a flag that does nothing is a mistake.
ON_VERTEX = ("vertex-gpu", "vertex-gpu-multinode", "vertex-tpu", "vertex-hptuning")
IN_CLOUD = (*ON_VERTEX, "tpu-vm")
MULTINODE = ("vertex-gpu-multinode",)
TUNING = ("vertex-hptuning",)
TPU_VM = ("tpu-vm",)
DOCKER = ("docker",)


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
Zone = Annotated[str, matching(r"[a-z]+-[a-z]+\d+-[a-z]", "a zone such as us-central1-a")]
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


@dataclass(frozen=True)
class Target:
    """A place to run that has specifications: a file of its own, and a row in `job.launch.target`.

    `conflicts` finds what cannot be, among the job's arguments and those of `spec`, and `render`
    writes the specification, whose container gets these variables.
    """

    name: str
    conflicts: Callable[["LaunchSettings"], Iterable[Conflict]]
    render: Callable[["LaunchSettings", Mapping[str, str]], str]
    has_tpu: bool = False

    def __str__(self) -> str:
        return self.name


def _usual_accelerator(validated: dict[str, Any]) -> AcceleratorType:
    return "TPU_V3" if validated["target"].has_tpu else "NVIDIA_L4"


class LaunchSettings(Settings):
    """The job's arguments and the machine's. Raises pydantic.ValidationError, as Settings does."""

    target: InstanceOf[Target] = Field(exclude=True, description="what the specification is for")
    cache_dir: LocalFolder = Field(
        default_factory=default_cache_dir,
        json_schema_extra=in_help(only_for=DOCKER),
        description="folder of the machine on which the specification is written",
    )

    image: Annotated[Image | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("none; must be set", "Where it runs (spec only)"),
        description="container image with its tag or digest",
    )
    project: Annotated[Project | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("gcloud's own", only_for=IN_CLOUD),
        description="id of the Google Cloud project",
    )
    region: Region = Field(
        "us-central1",
        json_schema_extra=in_help(only_for=ON_VERTEX),
        description="region of Vertex AI",
    )
    zone: Zone = Field(
        "us-central1-a", json_schema_extra=in_help(only_for=TPU_VM), description="zone of a TPU VM"
    )
    display_name: Name = Field(
        "korean-ner",
        json_schema_extra=in_help(only_for=IN_CLOUD),
        description="name of the job, or of the TPU VM",
    )
    service_account: Annotated[Account | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("the platform's own", only_for=IN_CLOUD),
        description="e-mail address of the account that the job acts as",
    )
    network: Annotated[Network | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help(only_for=IN_CLOUD),
        description="VPC network that Vertex AI peers the job with",
    )

    accelerator_type: AcceleratorType = Field(
        default_factory=_usual_accelerator,
        json_schema_extra=in_help(
            "NVIDIA_L4; TPU_V3 where a TPU is meant", "Machine (spec only)", only_for=IN_CLOUD
        ),
        description="accelerator by its name in Vertex AI",
    )
    machine_type: str = Field(
        default_factory=lambda validated: usual_machine(validated["accelerator_type"]),
        json_schema_extra=in_help("the usual one for ACCELERATOR_TYPE", only_for=ON_VERTEX),
        description="machine type of Compute Engine",
    )
    accelerator_count: int = Field(
        default_factory=lambda validated: usual_count(
            validated["accelerator_type"], validated["machine_type"]
        ),
        ge=1,
        le=16,
        json_schema_extra=in_help("the least that MACHINE_TYPE takes", only_for=ON_VERTEX),
        description="accelerators per machine; the job trains on all of them, or on DEVICES GPUs",
    )
    replica_count: int = Field(
        2,
        ge=2,
        le=64,
        json_schema_extra=in_help(only_for=MULTINODE),
        description="machines of vertex-gpu-multinode",
    )
    strategy: Literal["standard", "spot", "flex_start"] = Field(
        "standard",
        json_schema_extra=in_help(only_for=IN_CLOUD),
        description="spot is cheaper and may be taken away; flex_start waits until there is room",
    )
    timeout_hours: float = Field(
        24,
        ge=0.1,
        le=672,
        json_schema_extra=in_help(only_for=IN_CLOUD),
        description="hours after which the job is stopped",
    )
    max_wait_hours: float = Field(
        24,
        ge=0.1,
        le=168,
        json_schema_extra=in_help(only_for=IN_CLOUD),
        description="hours to wait for a machine: flex_start, and QUEUED",
    )
    restart_on_worker_restart: bool = Field(
        False,
        json_schema_extra=in_help("false; true for a cluster with RESTARTS=0", only_for=ON_VERTEX),
        description="restart all machines of the job when one is restarted; with RESTARTS the "
        "others wait for it",
    )
    boot_disk_type: BootDisk = Field(
        default_factory=lambda validated: usual_boot_disk(validated["accelerator_type"]),
        json_schema_extra=in_help("pd-ssd; hyperdisk-balanced with H200", only_for=ON_VERTEX),
        description="disk of a machine of Vertex AI",
    )
    boot_disk_size_gb: int = Field(
        100,
        ge=100,
        le=64000,
        json_schema_extra=in_help(only_for=ON_VERTEX),
        description="gigabytes of that disk",
    )
    tpu_version: Annotated[str, matching(r"[\w.-]+", "the name of a runtime version")] = Field(
        "tpu-ubuntu2204-base",
        json_schema_extra=in_help(only_for=TPU_VM),
        description="runtime version of a TPU VM",
    )
    queued: bool = Field(
        False,
        json_schema_extra=in_help(only_for=TPU_VM),
        description="ask for a TPU VM through a queued resource",
    )
    shm_size_gb: int = Field(
        16,
        ge=1,
        le=1024,
        json_schema_extra=in_help(only_for=("tpu-vm", "docker")),
        description="gigabytes of /dev/shm of a container: tpu-vm and docker",
    )

    max_trials: int = Field(
        8,
        ge=1,
        le=1000,
        json_schema_extra=in_help(group="Hyperparameter tuning (spec only)", only_for=TUNING),
        description="trials in all; MONITOR is what they are judged by",
    )
    parallel_trials: int = Field(
        2, ge=1, le=100, json_schema_extra=in_help(only_for=TUNING), description="trials at a time"
    )
    tuning_parameters: Annotated[str, AfterValidator(_check_parameters)] = Field(
        "learning_rate=1e-5..1e-4:log,batch_size=16|32|64",
        json_schema_extra=in_help(only_for=TUNING),
        description="what the trials vary: name=low..high[:log] or name=value|value, with commas "
        "between",
    )

    @property
    def base_output_dir(self) -> str:
        """The folder of the run, as Vertex AI wants it."""
        return self.downstream_model_dir.rstrip("/")

    def conflicts(self) -> list[Conflict]:
        """Those of the job, and what this target cannot be given."""
        return list(self.target.conflicts(self))
