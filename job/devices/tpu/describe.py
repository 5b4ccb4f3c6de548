"""A TPU VM in words, for the pre-flight check.

https://cloud.google.com/tpu/docs/regions-zones · https://cloud.google.com/tpu/docs/runtimes
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

import requests

from job.devices.tpu import runtime

TESTED_LIBTPU = "0.0.21"  # torch_xla 2.9 was built for it


def describe() -> Iterator[str]:
    """Lines about the runtime and the machine, and what of it is not as tested."""
    libtpu = installed("libtpu")
    yield (
        f"torch {installed('torch')}, torch_xla {installed('torch_xla')}, libtpu {libtpu}, "
        f"PJRT_DEVICE={runtime.runtime_device()}, {runtime.count_cores()} cores."
    )
    if libtpu != TESTED_LIBTPU:
        yield f"libtpu is {libtpu}; torch_xla 2.9 was built for {TESTED_LIBTPU}."
    found = machine()
    said = [f"{name} {found[key]}" for name, key in FACTS.items() if found.get(key)]
    yield f"This machine: {', '.join(said) or 'the metadata server says nothing of it'}."
    kind = found.get("ACCELERATOR_TYPE", "")
    chips = kind.rpartition("-")[2]
    if chips.isdigit() and int(chips) > 8:
        yield f"{kind} has several hosts; this job trains on the cores of one."


FACTS = {
    "accelerator": "ACCELERATOR_TYPE",
    "zone": "ZONE",
    "node": "NODE_ID",
    "runtime": "RUNTIME_VERSION",
}


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def machine() -> Mapping[str, str]:
    """The `tpu-env` of the metadata server, or of the environment; nothing where neither is."""
    from torch_xla._internal import tpu

    try:
        return {name: str(value) for name, value in tpu.get_tpu_env().items() if value}
    except (requests.RequestException, OSError):
        return {}
