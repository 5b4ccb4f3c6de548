"""Two machines of Vertex AI that are two processes of this one, told so by CLUSTER_SPEC."""

import json
import socket
from pathlib import Path

from tests.faults.jobs import Inside, Job
from tests.support.runs import World

COUNT = 2


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def cluster_spec(port: int, rank: int, count: int = COUNT) -> str:
    """CLUSTER_SPEC as Vertex AI sets it; nobody ever asks for the others' ports."""
    others = [f"127.0.0.1:{port + other}" for other in range(1, count)]
    pools = {"workerpool0": [f"127.0.0.1:{port}"], "workerpool1": others}
    task = {"type": f"workerpool{min(rank, 1)}", "index": max(0, rank - 1), "trial": ""}
    return json.dumps({"cluster": pools, "environment": "cloud", "task": task, "job": "{}"})


class Pair:
    """A run on both. The second has an output of its own, where nothing may be written."""

    def __init__(
        self,
        world: World,
        output: str,
        inside: tuple[Inside | None, Inside | None] = (None, None),
        second: dict[str, object] | None = None,
        environ: dict[str, str] | None = None,
        **changed: object,
    ):
        self.folder = world.folder / output
        port = free_port()
        self.jobs = []
        for rank in range(COUNT):
            flags = {"batch_size": 4, "log_format": "text", "max_attempts": 0, **changed}
            if rank:
                flags |= {"downstream_model_dir": self.elsewhere, **(second or {})}
            log = world.folder / f"{output}-{port}-{rank}.log"
            spec = cluster_spec(port, rank)
            argv = world.flags(output, **flags)
            self.jobs.append(Job(argv, log, inside[rank], CLUSTER_SPEC=spec, **(environ or {})))

    @property
    def elsewhere(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-elsewhere")

    def wait(self) -> tuple[list[int], list[str]]:
        """The exit codes and the logs."""
        try:
            ended = [job.wait() for job in self.jobs]
        finally:
            for job in self.jobs:
                job.process.kill()
        assert not self.elsewhere.exists(), "a machine that is not the first has written"
        return [code for code, _ in ended], [log for _, log in ended]
