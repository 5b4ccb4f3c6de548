"""Serves until Ctrl-C: `python -m tests.support.gcs [--port N] [--bucket NAME …] [--limit N]`."""

import argparse
import signal
import sys

from tests.support.gcs import GcsServer


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.gcs", description=__doc__)
    parser.add_argument("--port", type=int, default=9023)
    parser.add_argument("--bucket", action="append", metavar="NAME", help="default: bucket")
    parser.add_argument("--limit", type=float, default=0, metavar="MB/s", help="0: none")
    said = parser.parse_args(arguments)
    names = tuple(said.bucket or ["bucket"])
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # in the server's threads too: sigwait has them
    with GcsServer(names, said.port) as server:
        server.limit(said.limit)
        print(
            f"A GCS in memory, with {', '.join(f'gs://{name}' for name in names)}. Elsewhere:\n\n"
            f"  export STORAGE_EMULATOR_HOST={server.url}\n"
            f"  DOWNSTREAM_MODEL_DIR=gs://{names[0]}/run make train\n\n"
            "To break it: curl -d "
            '\'{"method": "PUT|POST", "path": "upload", "status": 503, "times": 3}\' '
            f"{server.url}/_control/fault\nCtrl-C ends it, and what it holds.",
            flush=True,
        )
        signal.sigwait(ends)


if __name__ == "__main__":
    main(sys.argv[1:])
