"""Arguments of `spec` that no machine of a kind takes together: what several targets share.

What concerns one target alone stands beside it. Each function gives conflicts of a LaunchSettings.
"""

import re
from collections.abc import Iterator

from job.launch.paths import PLACES, refuse_in_cloud
from job.launch.settings import LaunchSettings
from job.settings import Conflict, Settings


def clash(names: tuple[str, ...], remedy: str | None) -> Iterator[Conflict]:
    """One conflict, or none where there is no remedy because nothing is wrong."""
    if remedy:
        yield Conflict(names, remedy)


def of_the_job(s: LaunchSettings) -> Iterator[Conflict]:
    """The conflicts that the job itself would refuse, and a missing image."""
    yield from Settings.conflicts(s)
    if s.image is None:
        yield Conflict(("image",), "name the container image that is to run")


def in_cloud(s: LaunchSettings) -> Iterator[Conflict]:
    """Conflicts of images, buckets, folders and secrets, where the machine is Google's."""
    if s.image and not re.match(r"(?!localhost|127\.)[^/]*[.:][^/]*/", s.image):
        yield Conflict(
            ("image",),
            "a machine in the cloud has no images of its own; name the registry, too: "
            "REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE:TAG",
        )
    for name in PLACES:
        yield from clash((name,), refuse_in_cloud(name, getattr(s, name) or ""))
    if s.hf_token and not s.hf_token_secret:
        yield Conflict(
            ("hf_token",),
            "a specification shows it to everyone who may read the job; put it into Secret "
            "Manager, name it in HF_TOKEN_SECRET, and unset HF_TOKEN",
        )


def on_gpu(s: LaunchSettings) -> Iterator[Conflict]:
    """The conflicts that the job would refuse: known here, before a machine costs money."""
    if s.accelerator in ("cpu", "tpu") and not s.tpu_cores:
        yield Conflict(("accelerator", "target"), "it has a GPU; leave ACCELERATOR out")
    yield from without_tpu(s)
    if s.accelerator_type == "TPU_V3":
        yield _other_accelerator(s, "NVIDIA_L4")


def without_tpu(s: LaunchSettings) -> Iterator[Conflict]:
    """Cores of a TPU that are not there."""
    if s.tpu_cores > 0:
        yield Conflict(
            ("tpu_cores", "target"),
            "it has no TPU; leave TPU_CORES out, or use the target vertex-tpu or tpu-vm",
        )


def on_tpu(s: LaunchSettings) -> Iterator[Conflict]:
    """The same where the machine has a v3-8."""
    is_other = s.accelerator in ("cpu", "gpu")
    if is_other:
        yield Conflict(("accelerator", "target"), "it has a TPU; leave ACCELERATOR out")
    if s.tpu_cores not in (0, 8):
        remedy = "a v3-8 has eight cores, and all are paid; leave TPU_CORES out"
        yield Conflict(("tpu_cores", "target"), remedy)
    if not is_other:
        there = s.model_copy(update={"accelerator": "tpu"})
        known = Settings.conflicts(s)
        for each in Settings.conflicts(there):
            if each not in known:
                yield Conflict((*each.names, "target"), each.remedy)
    if s.accelerator_type != "TPU_V3":
        yield _other_accelerator(s, "TPU_V3")


def _other_accelerator(s: LaunchSettings, usual: str) -> Conflict:
    remedy = f"{s.target} takes no such accelerator; leave ACCELERATOR_TYPE out ({usual})"
    return Conflict(("accelerator_type", "target"), remedy)
