"""cloudbuild.yaml is a build that Cloud Build would take."""

import subprocess
import sys

import pytest
import yaml
from google.cloud.devtools.cloudbuild_v1.types import Build
from google.protobuf import json_format

from tests.support.documents import ROOT, read
from tests.support.gcloud.build_runner import BuildError, run_build, substitute

BUILD = yaml.safe_load(read("cloudbuild.yaml"))


def test_google_s_type_and_the_vendor_s_schema_take_it():
    """No unknown field and no unknown value."""
    build = Build.wrap(json_format.ParseDict(BUILD, Build.pb(Build())))
    assert build.options.logging.name == "CLOUD_LOGGING_ONLY"
    assert build.options.requested_verify_option.name == "VERIFIED"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.cloudbuild"]
    done = subprocess.run([*command, ROOT / "cloudbuild.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_types_refuse_what_is_wrong():
    """So that the test above can fail."""
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({**BUILD, "stpes": []}, Build.pb(Build()))


def test_every_substitution_is_declared_and_used():
    """As Cloud Build checks them; what is given takes the default's place everywhere."""
    build = substitute(BUILD, {"_REGION": "europe-west4", "_TAG": "1.2.3"})
    [gpu, *_] = build["images"]
    assert gpu == "europe-west4-docker.pkg.dev/test-project/ner/korean-ner-job:gpu-1.2.3"
    with pytest.raises(BuildError, match="used nowhere"):
        substitute(BUILD, {"_OTHER": "x"})
    with pytest.raises(BuildError, match="_GONE"):
        substitute({**BUILD, "tags": ["$_GONE"]}, {})
    with pytest.raises(BuildError, match="starts with '_'"):
        substitute(BUILD, {"REGION": "x"})


def test_every_step_has_a_timeout_and_waits_for_steps_that_exist():
    """Nothing is pushed before all that it is checked by: `images` come when every step passed."""
    ids = [step["id"] for step in BUILD["steps"]]
    for number, step in enumerate(BUILD["steps"]):
        assert step["timeout"].endswith("s")
        assert set(step["waitFor"]) <= {"-", *ids[:number]}
    assert not any("push" in str(step.get("args", "")) for step in BUILD["steps"])
    assert {"lint", "test", "structure-gpu", "structure-tpu"} <= set(ids)


def test_scripts_read_variables_that_are_set():
    """Cloud Build substitutes nothing in a script: what one uses stands in `env`."""
    env = {entry.partition("=")[0] for entry in BUILD["options"]["env"]}
    for step in BUILD["steps"]:
        script = step.get("script", "")
        assert not any(f"${name}" in script for name in BUILD["substitutions"])
        for name in ("IMAGE", "TAG", "BASE_IMAGE", "REVISION", "TESTS"):
            assert f"${name}" not in script or name in env
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_version_in_the_image_is_that_of_the_code():
    """The build step reads it from the file that holds it."""
    import job

    script = r"""sed -n 's/^__version__ = "\(.*\)"/\1/p' job/__init__.py"""
    assert f"$({script})" in read("cloudbuild.yaml")
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == job.__version__


def test_the_runner_runs_steps_in_their_order_and_stops_at_the_first_that_fails(tmp_path):
    """With a docker that only notes what it is told."""
    calls = tmp_path / "calls"
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n[ "$2" != fail ]\n')
    docker.chmod(0o755)
    file = tmp_path / "cloudbuild.yaml"
    steps = [
        {"id": "one", "name": "gcr.io/cloud-builders/docker", "args": ["run", "$_WHAT"]},
        {"id": "two", "name": "python:3", "args": ["x"], "waitFor": ["one"]},
        {"id": "three", "name": "gcr.io/cloud-builders/docker", "script": "docker run fail"},
        {"id": "four", "name": "gcr.io/cloud-builders/docker", "args": ["never"]},
    ]
    file.write_text(yaml.safe_dump({"steps": steps, "substitutions": {"_WHAT": "first"}}))
    with pytest.raises(BuildError, match="step three ended with 1"):
        run_build(file, tmp_path, {}, docker=str(docker))
    first, second, third = calls.read_text().splitlines()
    assert (first, third) == ("run first", "run fail")
    assert second.startswith(f"run --rm --volume {tmp_path}:/workspace --workdir /workspace")
    [result] = run_build(file, tmp_path, {"_WHAT": "again"}, docker=str(docker), only={"one"})
    assert (result.id, result.exit_code) == ("one", 0)
