"""Megabytes a second to and from a bucket on loopback: the job's storage beside the bare clients.

    python -m bench.store [--megabytes 300] [--rounds 5]

Each round sends and fetches one file with each of the three in turn; medians are printed. What
the job does on top of google-cloud-storage: one more CRC32C of what it sends, compared with the
store's.
gcsfs verifies nothing (consistency="none", its default).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PORT = 9125


def ways(file: Path, back: Path) -> dict[str, tuple[Callable, Callable]]:
    """Name → how to send `file` and how to fetch it into `back`."""
    import gcsfs
    from google.cloud.storage import Client

    from job import storage

    blob = Client(project=None).bucket("bucket").blob("client")
    filesystem = gcsfs.GCSFileSystem(use_listings_cache=False)
    return {
        "job": (
            lambda: storage.upload_file(file, "gs://bucket/job"),
            lambda: storage.download_file("gs://bucket/job", back),
        ),
        "google-cloud-storage": (
            lambda: blob.upload_from_filename(file),
            lambda: blob.download_to_filename(back),
        ),
        "gcsfs": (
            lambda: filesystem.put_file(str(file), "bucket/gcsfs"),
            lambda: filesystem.get_file("bucket/gcsfs", str(back)),
        ),
    }


def seconds(act: Callable[[], object]) -> float:
    started_at = time.monotonic()
    act()
    return time.monotonic() - started_at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    os.environ["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{PORT}"
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
    server = [sys.executable, "-m", "tests.support.gcs", f"--port={PORT}"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as store,
    ):
        try:
            store.stdout.readline()
            file = Path(folder, "file")
            file.write_bytes(os.urandom(1_000_000) * arguments.megabytes)
            taken: dict[tuple[str, str], list[float]] = {}
            for _ in range(arguments.rounds):
                for name, (send, fetch) in ways(file, Path(folder, "back")).items():
                    taken.setdefault((name, "up"), []).append(seconds(send))
                    taken.setdefault((name, "down"), []).append(seconds(fetch))
        finally:
            store.terminate()
    for (name, direction), times in taken.items():
        rate = arguments.megabytes / statistics.median(times)
        bare = arguments.megabytes / statistics.median(taken["google-cloud-storage", direction])
        print(f"{name:22}{direction:6}{rate:6.0f} MB/s {rate / bare:7.0%} of the bare client's")


if __name__ == "__main__":
    main()
