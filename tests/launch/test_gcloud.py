"""The real gcloud takes what is printed and documented here, and sends what Google's types allow.

docs/cloud.md is run from top to bottom against a local API that records; what arrived is parsed
with Google's own protobuf types, which refuse unknown fields and values.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from google.cloud.aiplatform_v1.types import CustomJob, HyperparameterTuningJob
from google.cloud.devtools.cloudbuild_v1.types import Build
from google.cloud.tpu_v2.types import Node
from google.cloud.tpu_v2alpha1.types import QueuedResource
from google.protobuf import json_format

from docker.render_specs import EXAMPLES, SPECS, text_of
from tests.support.documents import DOCUMENTS, ROOT, blocks, read
from tests.support.gcloud.api import GoogleApi, serve
from tests.support.gcloud.tools import install

PAGE = "docs/cloud.md"
PLACE = r"/v1/projects/my-project/locations/us-central1"


def parsed(kind, body: dict):
    """`body` as Google's type. Raises json_format.ParseError for what the type does not know."""
    return kind.wrap(json_format.ParseDict(body, kind.pb(kind())))


@pytest.fixture(scope="module")
def gcloud() -> str:
    """The real client."""
    found = shutil.which("gcloud")
    if found is None and os.environ.get("CI"):
        pytest.fail("gcloud is not installed: in CI its tests must run")
    if found is None:
        pytest.skip("gcloud is not installed: specifications and docs/cloud.md are NOT tried")
    return found


class Machine:
    """A machine with gcloud, whose home is a temporary folder."""

    def __init__(self, folder: Path, api: GoogleApi):
        self.folder, self.api = folder, api
        tools = install(folder / "bin", with_gcloud=False)
        path = [str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environ = {
            "PATH": ":".join(path),
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "VM": str(folder),
            "PAUSE_S": "0.05",
            **api.environment(folder / "gcloud"),
        }

    def run(self, script: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=280,
        )


@pytest.fixture(scope="module")
def page(gcloud, tmp_path_factory):
    """docs/cloud.md, run: what arrived at the API."""
    folder = tmp_path_factory.mktemp("machine")
    for name in ("corpora/news/train.txt", "corpora/news/val.txt", "hf-token"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("서울은 넓다.␞<서울:LOC>은 넓다.\n", "utf-8")
    shutil.copy(ROOT / "cloudbuild.yaml", folder)
    nobody = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], [*nobody, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    at_once, last = lanes()
    with serve() as api:
        machine = Machine(folder, api)
        # What the job would have left by then.
        api.objects["gs://my-project-ner/ner/run-1/report/index.html"] = b"<p>"
        with ThreadPoolExecutor() as pool:
            finished = list(pool.map(machine.run, at_once))
        for done in (*finished, machine.run(last)):
            assert done.returncode == 0, done.stderr[-3000:]
        yield api


def lanes() -> tuple[list[str], str]:
    """The page's blocks as scripts that can run side by side, and the one that cleans up.

    Each begins with the page's exports. What sets up the project stays together, because gcloud
    reads and writes policies.
    """
    found = blocks(PAGE, "sh")
    exports = "\n".join(re.findall(r"^export .*$", "\n".join(found), re.M))
    # gcloud looks at the job's end at each tenth poll.
    found = [block.replace("--polling-interval=5", "--polling-interval=1") for block in found]
    *found, clean_up, docker = found
    assert "gcloud storage rm" in clean_up
    scripts = {"set up": [exports], "jobs": [exports, docker], "tpu": [exports], "logs": [exports]}
    for block in found:
        is_tpu, is_job = "tpus" in block or "bash tpu-vm.sh" in block, "job spec" in block
        lane = "tpu" if is_tpu else "jobs" if is_job else "set up"
        scripts["logs" if "stream-logs" in block else lane].append(block)
    return ["\n".join(each) for each in scripts.values()], f"{exports}\n{clean_up}"


def test_every_gcloud_command_of_the_documents_is_one_that_was_run():
    """None hides in another kind of block, nor on another page; logging in needs Google itself."""
    run = " ".join("\n".join(blocks(PAGE, "sh")).replace("\\\n", " ").split())
    for document in DOCUMENTS:
        text = read(document).replace("\\\n", " ")
        for command in re.findall(r"^ *gcloud (.+)$|`gcloud ([^`]+)`", text, re.M):
            words = re.match(r"(?:[a-z][a-z-]* ?)*", "".join(command))[0].strip()
            if not words.startswith("auth "):
                assert f"gcloud {words}" in run, f"{document}: gcloud {words}"


def test_the_five_steps_of_the_readme_start_a_job(gcloud, tmp_path):
    """They make a bucket and a repository, and a job with the image that was built and pushed."""
    log_in, steps = (blocks("README.md", info) for info in ("sh[^\n]*", "sh cloud"))
    [log_in] = [block for block in log_in if "gcloud auth login" in block]
    with serve() as api:
        machine = Machine(tmp_path, api)
        for tool in ("make", "docker"):
            (tmp_path / "bin" / tool).write_text(f'#!/bin/sh\necho {tool} "$@" "$IMAGE" >>calls\n')
            (tmp_path / "bin" / tool).chmod(0o755)
        done = machine.run(log_in.replace("gcloud auth login\n", "") + "".join(steps))
        assert done.returncode == 0, done.stderr
        [made] = api.sent("POST", f"{PLACE}/repositories")
        [sent] = api.sent("POST", f"{PLACE}/customJobs")
    image = "us-central1-docker.pkg.dev/my-project/ner/korean-ner-job:gpu-0.1.0"
    built, pushed = (tmp_path / "calls").read_text().splitlines()[-2:]
    assert (built, pushed) == (f"make image EXTRA=gpu {image}", f"docker push {image} {image}")
    assert made.query["repositoryId"] == "ner"
    job = parsed(CustomJob, sent.body)
    [pool] = job.job_spec.worker_pool_specs
    assert pool.container_spec.image_uri == image
    assert job.job_spec.base_output_directory.output_uri_prefix == "gs://my-project-ner/run-1"
    assert not job.job_spec.service_account


def test_the_jobs_of_the_page_are_custom_jobs(page):
    """GPU, Spot, TPU, cluster: known fields only, in the right place, as the right account."""
    bodies = [each.body for each in page.sent("POST", f"{PLACE}/customJobs")]
    jobs = {body["displayName"]: parsed(CustomJob, body) for body in bodies}
    gpu, spot, tpu = (jobs[f"korean-ner{kind}"] for kind in ("", "-spot", "-tpu"))
    [pool] = gpu.job_spec.worker_pool_specs
    assert pool.machine_spec.accelerator_type.name == "NVIDIA_L4"
    assert pool.container_spec.image_uri.endswith("/my-project/ner/korean-ner-job:gpu-0.1.0")
    assert list(pool.container_spec.args) == ["train"]
    assert gpu.job_spec.base_output_directory.output_uri_prefix == "gs://my-project-ner/ner/run-1"
    assert gpu.job_spec.service_account == "ner-job@my-project.iam.gserviceaccount.com"
    assert spot.job_spec.scheduling.strategy.name == "SPOT"
    [pool] = tpu.job_spec.worker_pool_specs
    assert (pool.machine_spec.machine_type, pool.machine_spec.accelerator_count) == ("cloud-tpu", 8)
    cluster = jobs["korean-ner-cluster"].job_spec
    assert [pool.replica_count for pool in cluster.worker_pool_specs] == [1, 3]
    assert not cluster.scheduling.restart_job_on_worker_restart
    for each in cluster.worker_pool_specs:
        assert {entry.name: entry.value for entry in each.container_spec.env}["RESTARTS"] == "3"
    env = {entry.name: entry.value for entry in pool.container_spec.env}
    assert env["HF_TOKEN_SECRET"] == "projects/my-project/secrets/hf-token"


def test_the_tuning_of_the_page_is_a_tuning_job(page):
    """Its trials are custom jobs, its parameters the ones that were named."""
    [sent] = page.sent("POST", f"{PLACE}/hyperparameterTuningJobs")
    job = parsed(HyperparameterTuningJob, sent.body)
    assert (job.max_trial_count, job.parallel_trial_count) == (12, 2)
    assert [each.metric_id for each in job.study_spec.metrics] == ["val_f1"]
    assert [each.parameter_id for each in job.study_spec.parameters] == [
        "learning_rate",
        "batch_size",
    ]
    [pool] = job.trial_job_spec.worker_pool_specs
    assert pool.replica_count == 1


def test_the_build_of_the_page_is_a_build_of_this_source(page):
    """gcloud uploads the folder and sends the file's steps with what was given for them."""
    [sent] = page.sent("POST", f"{PLACE}/builds")
    build = parsed(Build, sent.body)
    steps = yaml.safe_load(read("cloudbuild.yaml"))["steps"]
    assert [step.id for step in build.steps] == [step["id"] for step in steps]
    assert dict(build.substitutions)["_TAG"] == "0.1.0"
    assert re.fullmatch("[0-9a-f]{40}", dict(build.substitutions)["_REVISION"])
    assert build.service_account.endswith("/ner-build@$PROJECT_ID.iam.gserviceaccount.com")
    source = build.source.storage_source
    assert source.bucket == "my-project-ner"
    [upload] = [each for each in page.requests if each.query.get("name", "").endswith(".tgz")]
    archive = upload.body[upload.body.index(b"\x1f\x8b") :]
    with tarfile.open(fileobj=BytesIO(archive), mode="r|gz") as files:
        assert "cloudbuild.yaml" in {member.name.removeprefix("./") for member in files}


def test_the_tpu_vm_of_the_page_is_created_and_deleted(page):
    """A spot v3-8; nothing is left of it."""
    [sent] = page.sent("POST", r"/v2/projects/my-project/locations/us-central1-a/nodes")
    node = parsed(Node, sent.body)
    assert (node.accelerator_type, node.runtime_version) == ("v3-8", "tpu-ubuntu2204-base")
    assert node.scheduling_config.spot
    assert page.tpus == {}


def test_the_accounts_of_the_page_may_do_little(page):
    """Neither account owns or edits anything; the job's may use one bucket, and no other."""
    roles = {
        (member, binding["role"], name)
        for name, policy in page.policies.items()
        for binding in policy["bindings"]
        for member in binding["members"]
        if member.startswith("serviceAccount:")
    }
    assert {role for _, role, _ in roles} == {
        "roles/storage.objectUser",
        "roles/storage.objectViewer",
        "roles/logging.logWriter",
        "roles/artifactregistry.reader",
        "roles/artifactregistry.writer",
        "roles/secretmanager.secretAccessor",
    }
    in_project = {role for _, role, name in roles if name == "projects/my-project"}
    assert in_project == {"roles/logging.logWriter"}


def test_the_clean_up_of_the_page_leaves_nothing(page):
    """What was made is deleted: bucket, registry, secret, both accounts."""
    assert page.objects == {}
    for path in (r"/storage/v1/b/my-project-ner", f"{PLACE}/repositories/ner"):
        assert page.sent("DELETE", path)
    assert page.sent("DELETE", r"/v1/projects/my-project/secrets/hf-token")
    assert len(page.sent("DELETE", r"/v1/projects/-/serviceAccounts/.*")) == 2


@pytest.mark.parametrize(
    "name", ["vertex-gpu-four.yaml", "vertex-gpu-multinode.yaml", "vertex-hptuning.yaml"]
)
def test_the_examples_that_the_page_does_not_show_are_taken(gcloud, tmp_path, name):
    """By the command that their own header states, run where the file lies."""
    [command] = re.findall(r"^#   (gcloud .*)$", (SPECS / name).read_text("utf-8"), re.M)
    shutil.copy(SPECS / name, tmp_path / re.search(r"--config=(\S+)", command)[1])
    with serve() as api:
        done = Machine(tmp_path, api).run(command)
        assert done.returncode == 0, done.stderr
        kind = CustomJob if "custom-jobs" in command else HyperparameterTuningJob
        [sent] = [each for each in api.requests if each.method == "POST"]
        job = parsed(kind, sent.body)
    if kind is CustomJob:
        pools = job.job_spec.worker_pool_specs
        machines = [(pool.replica_count, pool.machine_spec.accelerator_count) for pool in pools]
        assert machines == ([(1, 4)] if "four" in name else [(1, 1), (1, 1)])


def test_a_queued_tpu_vm_is_created_and_deleted(gcloud, tmp_path):
    """The whole script with the real gcloud: the request waits in the queue for a day at most."""
    with serve() as api:
        (tmp_path / "queued.sh").write_text(text_of([*EXAMPLES["tpu-vm.sh"], "--queued"]))
        done = Machine(tmp_path, api).run(f"bash {tmp_path}/queued.sh")
        assert done.returncode == 0, done.stderr
        [sent] = api.sent("POST", r"/v2/projects/my-project/.*/queuedResources")
        queued = parsed(QueuedResource, sent.body)
        [spec] = queued.tpu.node_spec
        assert re.fullmatch(r"korean-ner-[0-9a-f]{8}", spec.node_id)
        assert spec.node.accelerator_type == "v3-8"
        assert queued.queueing_policy.valid_until_duration.total_seconds() == 24 * 3600
        assert api.tpus == {}
    assert "docker run --detach" in (tmp_path / "calls").read_text()


@pytest.mark.parametrize(
    "change",
    [
        {"scheduling": {"stategy": "SPOT"}},
        {"scheduling": {"strategy": "CHEAP"}},
        {"scheduling": {"timeout": "24h"}},
    ],
)
def test_google_s_types_refuse_what_gcloud_lets_through(change):
    """So that the tests above can fail: an unknown field, an unknown value, a wrong duration."""
    spec = yaml.safe_load((SPECS / "vertex-gpu.yaml").read_text("utf-8"))
    parsed(CustomJob, {"displayName": "x", "jobSpec": spec})
    with pytest.raises(json_format.ParseError):
        parsed(CustomJob, {"displayName": "x", "jobSpec": {**spec, **change}})
