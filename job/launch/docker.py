"""The `docker run` line, for a machine with a GPU or, with ACCELERATOR=cpu, without one."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from job.launch.conflicts import clash, of_the_job, without_tpu
from job.launch.header import header
from job.launch.paths import PLACES, is_folder, refuse_mount
from job.launch.settings import ON_GPU, LaunchSettings, Target
from job.settings import Conflict

# Where a folder of this machine lies in the container.
_FOLDERS = {
    "downstream_model_dir": "/output",
    "downstream_corpus": "/corpus",
    "downstream_corpus_root_dir": "/corpora",
    "pretrained_model_name": "/model",
}
_GCLOUD = '"${CLOUDSDK_CONFIG:-$HOME/.config/gcloud}"'
_CACHE = '"${XDG_CACHE_HOME:-$HOME/.cache}/korean-ner-job"'


def _conflicts(s: LaunchSettings) -> Iterator[Conflict]:
    yield from of_the_job(s)
    for name in (*PLACES, "cache_dir"):
        yield from clash((name,), refuse_mount(name, str(getattr(s, name) or "")))
    if s.accelerator == "tpu" and not s.tpu_cores:
        yield Conflict(("accelerator", "target"), "it has a GPU; leave ACCELERATOR out")
    yield from without_tpu(s)


def _render(settings: LaunchSettings, env: Mapping[str, str]) -> str:
    """A shell script of a few commands; folders of this machine are mounted."""
    variables, folders = {**ON_GPU, **env}, {}
    for name, inside in _FOLDERS.items():
        place = getattr(settings, name)
        if place and is_folder(name, place):
            if name == "downstream_corpus":  # the run is called by the last part of its path
                last = Path(_path(place)).name
                inside = f"{inside}/{last}" if last not in ("", "..") else inside
            folders[inside] = _quoted(place)
            variables[name.upper()] = inside
    folders["/cache"] = _quoted(variables["CACHE_DIR"]) if "CACHE_DIR" in variables else _CACHE
    variables["CACHE_DIR"] = "/cache"
    lines = [
        "docker run --rm" if settings.accelerator == "cpu" else "docker run --rm --gpus all",
        f"--shm-size={settings.shm_size_gb}g",
        '--user "$(id -u):$(id -g)"',
        *(f"--env {shlex.quote(f'{name}={value}')}" for name, value in variables.items()),
        *(["--env HF_TOKEN"] if settings.hf_token else []),
        *(_mount(source, inside) for inside, source in folders.items()),
        *_credentials(settings),
        f"{shlex.quote(settings.image or '')} train",
    ]
    made = [source for inside, source in folders.items() if not _is_read_only(inside)]
    if _needs_credentials(settings):
        made.append(_GCLOUD)
    head = f"mkdir -p {' '.join(made)}\n"
    if settings.hf_token:  # a line of .env is not in the shell's environment
        head = ': "${HF_TOKEN:?export it: docker takes it from the environment}"\n' + head
    return header(settings) + head + " \\\n  ".join(lines) + "\n"


def _is_read_only(inside: str) -> bool:
    return inside not in ("/output", "/cache")


def _path(place: str) -> str:
    return place.removeprefix("file://").removeprefix("local://")


def _quoted(place: str) -> str:
    """A path for the shell; a relative one begins where the command is started."""
    path = _path(place)
    if path == "~":
        return '"$HOME"'
    if path.startswith("~/"):
        return f'"$HOME"/{shlex.quote(path[2:])}'
    if path.startswith("/"):
        return shlex.quote(path)
    return f'"$PWD"/{shlex.quote(path.removeprefix("./"))}'


def _mount(source: str, inside: str) -> str:
    readonly = ",readonly" if _is_read_only(inside) else ""
    return f"--mount type=bind,source={source},target={shlex.quote(inside)}{readonly}"


def _needs_credentials(settings: LaunchSettings) -> bool:
    places = [getattr(settings, name) or "" for name in (*_FOLDERS, "resume")]
    return bool(settings.hf_token_secret) or any(
        place.startswith(("gs://", "gcs://")) for place in places
    )


def _credentials(settings: LaunchSettings) -> list[str]:
    """Those of `gcloud auth application-default login`, where a bucket or a secret is read."""
    if not _needs_credentials(settings):
        return []
    return [
        "--env CLOUDSDK_CONFIG=/gcloud",
        f"--mount type=bind,source={_GCLOUD},target=/gcloud,readonly",
    ]


DOCKER = Target("docker", _conflicts, _render)
