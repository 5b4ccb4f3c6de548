"""Removes from an environment what a run never opens, and says how much that was.

    python docker/slim.py /opt/job

Everything that stays keeps the bytes that its lock's sha256 vouches for: stripping symbols out of
torch's libraries would save 90 MB more, but they would be nobody's files then.
"""

import shutil
import sys
from pathlib import Path

UNUSED = {
    "*/**/tests": "packages' own unit tests",
    "torch/test": "torch's C++ tests",
    "torch/bin/*": "torch's command line tools",
    "torch/lib/*test*.so": "torch's test libraries",
    "torch/include": "headers to build extensions with",
    "torch/share": "CMake files to build extensions with",
    "nvidia/**/include": "CUDA's headers",
    "nvidia/cu13/lib/libnvrtc*.alt.so.*": "a second runtime compiler, which nothing links or opens",
    "nvidia/cu13/lib/libcusolverMg.so.*": "cuSOLVER on several GPUs, which nothing links or opens",
    "triton/_C/libproton.so": "triton's profiler",
    "triton/backends/nvidia/lib/cupti": "what triton's profiler opens",
    "**/*.a": "static libraries",
}
# Of a TPU's image, whose torch is a CUDA build because no other is on PyPI: what CUDA opens by name
# once it computes. What torch links has to stay.
UNUSED_ON_TPU = {
    "nvidia/cudnn/lib/libcudnn_*.so.*": "cuDNN's engines",
    "torch/lib/libtorch_cuda_linalg.so": "linear algebra on GPUs",
    "nvidia/cuda_cupti/lib/libnvperf_*.so": "the profiler of GPUs",
}
# Starts the process that shares memory between worker processes.
KEPT = {"torch_shm_manager"}


def main(environment: Path) -> None:
    [packages] = environment.glob("lib/python*/site-packages")
    unused = UNUSED | (UNUSED_ON_TPU if (packages / "torch_xla").exists() else {})
    for pattern, what in unused.items():
        found = [path for path in packages.glob(pattern) if path.name not in KEPT]
        megabytes = sum(remove(path) for path in found if path.exists()) / 1e6
        print(f"removed {megabytes:.0f} MB: {what} ({pattern})")


def remove(path: Path) -> int:
    """Deletes a file or folder and returns the bytes that it took."""
    files = [file for file in (path, *path.rglob("*")) if file.is_file()]
    size = sum(file.lstat().st_size for file in files)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    return size


if __name__ == "__main__":
    main(Path(sys.argv[1]))
