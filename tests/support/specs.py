"""What `python -m job spec` prints or refuses, for an image and a bucket that are good."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from job.commands import spec_text
from job.errors import ArgumentError
from tests.support.arguments import parse

IMAGE = "--image=europe-docker.pkg.dev/p/r/korean-ner-job:1"
BUCKET = "--downstream_model_dir=gs://my-bucket/run"


def spec_of(*argv: str, environ: Mapping[str, str] | None = None) -> str:
    return spec_text(parse(["spec", *argv], environ))


def pool_of(*argv: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The one pool of machines of a custom job."""
    [pool] = yaml.safe_load(spec_of(*argv, IMAGE, BUCKET, environ=environ))["workerPoolSpecs"]
    return pool


def env_of(pool: dict[str, Any]) -> dict[str, str]:
    """The variables of its container."""
    return {entry["name"]: entry["value"] for entry in pool["containerSpec"]["env"]}


def mistakes_of(*argv: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines of the refusal."""
    with pytest.raises(ArgumentError) as caught:
        parse(["spec", *argv], environ)
    assert caught.value.exit_code == 64
    return str(caught.value).split("\n")
