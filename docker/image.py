"""Builds the image and says how large it is: `make image EXTRA=cpu`.

    python docker/image.py EXTRA TAG [docker build's own options]

BASE_IMAGE, where set, replaces python:3.11-slim-bookworm. A wheel of torch's CPU build that lies
where pip looks is taken from there; otherwise the build asks PyTorch's CPU index.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
WHEELS_IMAGE = "korean-ner-job-wheels"
EXTRAS = ("cpu", "gpu", "tpu")
LIMITS_GB = {"cpu": 1.6, "gpu": 5.7, "tpu": 6.0}


def main(extra: str, tag: str, options: list[str]) -> None:
    if extra not in EXTRAS:
        sys.exit(f"EXTRA={extra} is {', '.join(EXTRAS[:-1])} or {EXTRAS[-1]}")
    require_engine()
    arguments = {"EXTRA": extra, "VERSION": version(), "REVISION": revision()}
    if base := os.environ.get("BASE_IMAGE"):
        arguments["BASE_IMAGE"] = base
    if extra == "cpu" and (wheels := torch_wheels()):
        arguments["WHEELS_IMAGE"] = import_wheels(wheels)
    command = [builder(), "build", "--network=host", f"--tag={tag}", *options]
    command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
    built = subprocess.run([*command, ROOT], env={**os.environ, "DOCKER_BUILDKIT": "1"})
    if built.returncode:
        sys.exit("The image was not built; see docker's message above.")
    tell_size(extra, tag)


def require_engine() -> None:
    if not shutil.which("docker"):
        sys.exit("make image: docker is not installed; install it with its buildx plug-in.")
    if not output("docker", "version", "--format={{.Server.Version}}"):
        sys.exit("make image: no docker engine answers; start it (`docker version` says more).")


def builder() -> str:
    """The docker client that has BuildKit: built in before version 23, a plug-in since."""
    folders = os.get_exec_path()
    found = [path for folder in folders if (path := shutil.which("docker", path=folder))]
    for docker in found:
        client = output(docker, "--version")
        is_old = bool(re.search(r"version (1\d|2[0-2])\.", client))
        if is_old or output(docker, "buildx", "version"):
            return docker
    sys.exit("The build needs docker with BuildKit: install docker's buildx plug-in.")


def output(*command: str | Path) -> str:
    """What a command prints; nothing where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip() if not done.returncode else ""


def version() -> str:
    text = (ROOT / "job" / "__init__.py").read_text()
    return re.search(r'__version__ = "(.+)"', text)[1]


def revision() -> str:
    """The commit, marked where files differ from it."""
    return output("git", "describe", "--always", "--abbrev=40", "--dirty") or "unknown"


def torch_wheels() -> list[Path]:
    """Wheels of the locked torch in the folders that pip is told to look in."""
    lock = (ROOT / "docker" / "torch-cpu.txt").read_text()
    name = "torch-" + re.search(r"^torch==(\S+)", lock, re.M)[1]
    told = os.environ.get("PIP_FIND_LINKS") or output(
        sys.executable, "-m", "pip", "config", "get", "global.find-links"
    )
    return sorted(file for folder in told.split() for file in Path(folder).glob(f"{name}-*.whl"))


def import_wheels(wheels: list[Path]) -> str:
    """The tag of an image that holds nothing but the wheels; made where there is none yet."""
    described = ",".join(f"{wheel.name} {wheel.stat().st_size}" for wheel in wheels)
    tag = f"{WHEELS_IMAGE}:{hashlib.sha256(described.encode()).hexdigest()[:12]}"
    if output("docker", "image", "inspect", tag):
        return tag
    command = ["docker", "import", "-", tag]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as importing:
        with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
            for wheel in wheels:
                archive.add(wheel, wheel.name)
        importing.stdin.close()
    if importing.returncode:
        sys.exit("docker could not import torch's wheel; see its message above.")
    return tag


def tell_size(extra: str, tag: str) -> None:
    size = int(output("docker", "image", "inspect", "--format={{.Size}}", tag)) / 1e9
    limit = LIMITS_GB[extra]
    print(f"{tag}: {size:.2f} GB (at most {limit})")
    if size > limit:
        sys.exit(f"{tag} is larger than {limit} GB; docker/slim.py says what may go.")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
