"""Writes the locks: every package with its version and the sha256 of each of its files.

    gpu.txt   what the job needs, with PyPI's torch, which brings CUDA
    cpu.txt   the same versions without CUDA; torch's CPU build is pinned in torch-cpu.txt
    dev.txt   what the tests need on top of either
    tools.txt what `make test-container` and `make sbom` run, beside the job
    source.txt  the one package of those that comes as source only, built with what dev.txt brings
    tpu.txt   what the job needs on a TPU: the torch of the last torch_xla, otherwise as gpu.txt

Run it as `make lock`, which brings uv. Add `--upgrade` to move to newer versions.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "# Written by `make lock` from pyproject.toml; do not edit.\n"
COMPILE = [
    *("uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-annotate", "--no-header", "--quiet"),
]
# Holds wherever the locks are for: Linux on x86-64, CPython 3.11 and 3.12.
ALWAYS_TRUE = re.compile(
    r" and (?:sys_platform == 'linux'|platform_machine == 'x86_64')"
    r"|(?:sys_platform == 'linux'|platform_machine == 'x86_64') and "
    r"|(?:platform_python_implementation|implementation_name) != 'PyPy' and "
    r"| and (?:platform_python_implementation|implementation_name) != 'PyPy'"
    r"|python_full_version < '3.1[35]' and "
    r"| ; (?:sys_platform == 'linux'|platform_machine == 'x86_64')(?= )"
    r"| ; python_full_version < '3.13'(?= )"
)
SOURCE_ONLY = "seqeval=="
CUDA = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")
# PyPI's torch is linked against CUDA's libraries; these it loads only once a GPU is used.
NEVER_LOADED = re.compile(r"(triton|nvidia-(cusolver|cuda-nvrtc|nvtx)-cu12)==")


def compile_lock(output: str, *options: str) -> list[str]:
    """Resolves, keeping the versions that `output` already pins; one entry per package."""
    file = HERE / output
    subprocess.run([*COMPILE, *options, "-o", file], cwd=HERE.parent, check=True)
    text = file.read_text()
    while (shorter := ALWAYS_TRUE.sub("", text)) != text:
        text = shorter
    return re.split(r"\n(?=\S)", text.rstrip("\n"))


def write(name: str, entries: list[str]) -> None:
    (HERE / name).write_text(HEADER + "\n".join(entries) + "\n")


def main(options: list[str]) -> None:
    everything = [e for e in compile_lock("gpu.txt", *options) if not e.startswith("#")]
    write("gpu.txt", everything)
    without_cuda = [entry for entry in everything if not CUDA.match(entry)]
    write("cpu.txt", ["-r torch-cpu.txt", *without_cuda])
    with_tests = compile_lock("dev.txt", *options, "--extra", "dev", "-c", "docker/gpu.txt")
    locked = set(everything)
    more = [e for e in with_tests if e not in locked and not e.startswith("#")]
    write("dev.txt", [entry for entry in more if not entry.startswith(SOURCE_ONLY)])
    write("source.txt", [entry for entry in more if entry.startswith(SOURCE_ONLY)])
    with_tools = compile_lock("tools.txt", *options, "--extra", "container", "-c", "docker/gpu.txt")
    write("tools.txt", [e for e in with_tools if e not in locked and not e.startswith("#")])
    write_tpu_lock(without_cuda, *options)


def write_tpu_lock(shared: list[str], *options: str) -> None:
    """The same versions of everything that does not hang on torch's."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(shared))
        constraints.flush()
        entries = compile_lock("tpu.txt", *options, "--extra", "tpu", "-c", constraints.name)
    write("tpu.txt", [e for e in entries if not e.startswith("#") and not NEVER_LOADED.match(e)])


if __name__ == "__main__":
    main(sys.argv[1:])
