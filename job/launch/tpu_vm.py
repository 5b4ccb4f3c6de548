"""The shell script that creates a TPU VM, runs the job on it, and always deletes it.

https://cloud.google.com/tpu/docs/managing-tpus-tpu-vm and
https://cloud.google.com/tpu/docs/queued-resources
"""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from importlib import resources
from string import Template

from job.launch.conflicts import in_cloud, of_the_job, on_tpu
from job.launch.settings import ON_TPU, LaunchSettings, Target
from job.settings import Conflict

TPU_TYPE = "v3-8"
CREATED_WITHIN_S = 3600  # after gcloud has said that it is created
NAME_CHARS = 54  # of at most 63


class _Script(Template):
    delimiter = "%"  # the shell has its own uses for the dollar sign


def _conflicts(s: LaunchSettings) -> Iterator[Conflict]:
    yield from of_the_job(s)
    yield from in_cloud(s)
    yield from on_tpu(s)
    if s.strategy == "flex_start":
        yield Conflict(("strategy", "target"), "use spot, or QUEUED to wait for room")


def _render(settings: LaunchSettings, env: Mapping[str, str]) -> str:
    """A script for bash. Run it again, and it goes on with the VM that it has left.

    The VM's name ends with a hash of all that was asked for, so that no script follows, and at the
    end deletes, the VM of another.
    """
    env = {**ON_TPU, **env}
    where = [f"--zone={settings.zone}"]
    if settings.project:
        where.append(f"--project={settings.project}")
    wait_s = round(settings.max_wait_hours * 3600) if settings.queued else CREATED_WITHIN_S
    timeout_s = round(settings.timeout_hours * 3600)
    asked = [settings.display_name, where, wait_s, timeout_s, _create(settings, "")]
    said = json.dumps([*asked, _run(settings, env, "")])
    name = f"{settings.display_name[:NAME_CHARS]}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    template = _Script(resources.files("job.launch").joinpath("tpu_vm.sh").read_text("utf-8"))
    return template.substitute(
        name=name,
        where=shlex.join(where),
        kind="queued-resources" if settings.queued else "tpu-vm",
        state="state.state" if settings.queued else "state",
        wait_s=str(wait_s),
        timeout_s=str(timeout_s),
        create=_lines(_create(settings, name), 4),
        force=" --force" if settings.queued else "",
        login=_login(settings.image or ""),
        run=_lines(_run(settings, env, name), 4),
    )


def _lines(words: list[str], indent: int) -> str:
    return f" \\\n{' ' * indent}".join(words)


def _create(settings: LaunchSettings, name: str) -> list[str]:
    """What follows `gcloud compute tpus … create NAME`."""
    version = "--runtime-version" if settings.queued else "--version"
    words = [f"--accelerator-type={TPU_TYPE}", f"{version}={settings.tpu_version}"]
    if settings.queued:
        duration = f"--valid-until-duration={round(settings.max_wait_hours * 3600)}s"
        words += [f"--node-id={name}", duration]
    if settings.strategy == "spot":
        words.append("--spot")
    if settings.service_account:
        words.append(f"--service-account={settings.service_account}")
        words.append("--scopes=https://www.googleapis.com/auth/cloud-platform")
    if settings.network:
        words.append(f"--network={settings.network.rsplit('/', 1)[-1]}")
    return words


def _login(image: str) -> str:
    """How docker on the VM gets at an image in a registry of Google Cloud."""
    host = image.partition("/")[0]
    if not host.endswith(("-docker.pkg.dev", "gcr.io")):
        return ":  # the image's registry needs no login"
    return f"sudo gcloud auth configure-docker {host} --quiet"


def _run(settings: LaunchSettings, env: Mapping[str, str], name: str) -> list[str]:
    return [
        f"sudo docker run --detach --name {name} --privileged --net=host",
        f"--shm-size={settings.shm_size_gb}g",
        *(f"--env {shlex.quote('='.join(pair))}" for pair in env.items()),
        f"{shlex.quote(settings.image or '')} train",
    ]


TPU_VM = Target("tpu-vm", _conflicts, _render, has_tpu=True)
