"""The process that starts the ranks of a machine, hears signals for them, and has the exit code.

It is torch's elastic agent, the engine behind torchrun, by its Python API: the command line would
lose exit codes. https://docs.pytorch.org/docs/stable/elastic/agent.html
"""

import gc
import logging
import multiprocessing
import os
import signal
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs

from job.devices.elastic.handler import ClusterHandler
from job.devices.elastic.place import STOPS, Place
from job.devices.elastic.rank import RankFunction, rank_main
from job.devices.elastic.reasons import AGAIN, EndedError, EndReason, as_exception
from job.devices.elastic.store import LostError
from job.errors import JobError, UnavailableError
from job.signals import Stopped, StopRequest

logger = logging.getLogger(__name__)

MONITOR_EVERY_S = 0.1
LAST_BARRIER_S = 10  # for the other agents, when all ranks are done
PRELOADED = ["job.devices.elastic.preload", "torch", "pytorch_lightning", "job.train"]


class RankAgent(LocalElasticAgent):
    """Elastic's agent, which says why a rank has ended before it ends the others."""

    def __init__(self, spec: WorkerSpec, handler: ClusterHandler):
        super().__init__(
            spec,
            DefaultLogsSpecs(log_dir=os.devnull),
            start_method="forkserver",
            exit_barrier_timeout=LAST_BARRIER_S,
        )
        self._handler = handler
        self._processes: dict[int, Any] = {}

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, Any]:
        assert self._handler.round
        function, place, *_ = worker_group.spec.args
        worker_group.spec.args = (function, place, self._handler.round.number)
        ids = super()._start_workers(worker_group)
        children = {child.pid: child for child in multiprocessing.active_children()}
        self._processes = {
            worker.global_rank: children[ids[worker.local_rank]]
            for worker in worker_group.workers
            if ids[worker.local_rank] in children
        }
        return ids

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        for rank, process in self._processes.items():
            if process.exitcode is not None and self._handler.reason is None:
                self._handler.say(why_it_ended(rank, process.exitcode, self._handler.place.machine))
        return super()._monitor_workers(worker_group)


def why_it_ended(rank: int, code: int, machine: int) -> EndReason:
    """The reason that the exit code of a rank's process stands for, where it said none."""
    if code >= 0:  # 0: torch ends a rank so that is interrupted before it listens
        sentence = f"Rank {rank} has ended with exit code {code}; its log says more."
        return EndReason(code or 128 + signal.SIGINT, sentence, machine)
    number = -code
    if number in STOPS:
        return EndReason(128 + number)
    if number == signal.SIGKILL:
        return EndReason(
            UnavailableError.exit_code,
            f"Rank {rank} was killed (SIGKILL), as happens when memory runs out; {AGAIN}.",
        )
    name = {each.value: each.name for each in signal.Signals}.get(number, f"signal {number}")
    sentence = f"Rank {rank} has crashed ({name})."
    if number == signal.SIGBUS:
        sentence += " Its /dev/shm may be too small: start the container with --shm-size=1g."
        return EndReason(UnavailableError.exit_code, sentence)
    return EndReason(JobError.exit_code, sentence)


def silence_torch() -> None:
    """The reason is told once, by us. Each of torch's modules has set a level of its own."""
    for name in logging.root.manager.loggerDict:
        if name.startswith(("torch.distributed.elastic", "torch.multiprocessing")):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def run_ranks(
    function: RankFunction,
    place: Place,
    *,
    facts: Mapping[str, object],
    restarts: int,
    stop: StopRequest,
    environ: MutableMapping[str, str],
) -> int:
    """Calls `function` on each rank of this machine, to the end of the run on all machines.

    Returns the exit code. Raises Stopped, or a JobError where no log of this machine has the reason
    yet. After a failure that may pass the ranks are started again, `restarts` times.
    """
    silence_torch()
    environ["TORCHELASTIC_SIGNALS_TO_HANDLE"] = "SIGUSR2"  # the job's own handlers stay
    environ["TORCH_ELASTIC_WORKER_IDENTICAL"] = "1"  # each machine has as many ranks
    multiprocessing.set_forkserver_preload(PRELOADED)
    handler = ClusterHandler(place, facts, restarts, stop)
    spec = WorkerSpec(
        role="ranks",
        local_world_size=place.devices,
        entrypoint=rank_main,
        args=(function, place),
        rdzv_handler=handler,
        max_restarts=restarts,
        monitor_interval=MONITOR_EVERY_S,
    )
    try:
        with stop.deferred():
            is_failed = RankAgent(spec, handler).run().is_failed()
        reason = handler.reason if is_failed else None
    except EndedError as ended:
        reason = ended.reason
    with suppress(LostError, Stopped):
        handler.leave()
    gc.collect()  # the agent's semaphores: who leaves them is told of, past the log
    if reason is None or not reason.code:
        return 0
    if reason.told_on == place.machine and not reason.signal:
        return reason.code
    raise as_exception(reason)
