"""A training on several devices: the process that starts the ranks, and each of the ranks.

Both read the same arguments. Only the first rank writes the output and tells how far it is.
"""

import logging
import os
from functools import partial

from job.cloud import VertexEnvironment, read_vertex
from job.devices import ElasticPeers, Place, run_ranks
from job.figures import counted
from job.machine import networks, share_out_threads, streams
from job.settings import Parsed
from job.signals import Stopped, StopRequest
from job.storage import RetryPolicy, set_retry_policy
from job.telling import set_up_log, told

logger = logging.getLogger(__name__)


def train_on_ranks(
    parsed: Parsed, stop: StopRequest, vertex: VertexEnvironment, devices: int, kind: str
) -> int:
    """Starts a rank on each of this machine's devices, and waits for the end of all machines'."""
    settings = parsed.settings
    place = Place(vertex.node_rank, vertex.node_count, devices)
    if vertex.node_count > 1:
        host = vertex.main_address if vertex.node_rank else place.host
        place = Place(vertex.node_rank, vertex.node_count, devices, host, vertex.main_port)
    share_out_threads(os.environ, settings.cpu_workers, devices)
    if vertex.node_rank == 0:
        _tell_of(place, kind)
    facts = {
        "the number of devices": devices,
        "the device": kind,
        "RESTARTS": settings.restarts,
    }
    function = partial(train_on_rank, parsed)
    code = run_ranks(
        function,
        place,
        facts=facts,
        restarts=settings.restarts,
        stop=stop,
        environ=os.environ,
    )
    if vertex.node_rank and not code:
        logger.warning("Done; the first machine tells of the model.")
    return code


def _tell_of(place: Place, kind: str) -> None:
    machines = f" on each of {place.machines} machines" if place.machines > 1 else ""
    each = "" if kind == "CPU" else f", one on each {kind}"
    logger.info("Starting %s%s%s.", counted(place.devices, "rank"), machines, each)
    if kind != "CPU" and place.devices > 1:
        logger.info("Several GPUs were tested by ranks on CPUs only; DEVICES=1 takes one of them.")


def train_on_rank(parsed: Parsed, peers: ElasticPeers, stop: StopRequest) -> int:
    """The whole of a rank; its exit code. An error that another rank has told of is not told."""
    from job.train import train
    from job.training import trial_callbacks

    streams.secure()
    handler = set_up_log(parsed, stop, peers.rank)
    networks.prepare(os.environ)
    settings = parsed.settings
    set_retry_policy(RetryPolicy(settings.storage_timeout_s, settings.storage_deadline_s))
    stop.raise_from_here()
    try:
        _, metric = settings.monitored
        is_given = parsed.sources["monitor"] != "default"
        callbacks = trial_callbacks(read_vertex(os.environ), metric, is_given=is_given)
        screen = train(settings, stop, handler, callbacks, peers)
    except Stopped as stopped:
        code = stopped.exit_code
    except BaseException as error:
        code = told(error, settings.sizes) if peers.is_own_reason else reason_code(error)
    else:
        code = 0
        if peers.rank == 0:
            handler.tell(screen)
    stop.leave_from_here()
    return code


def reason_code(error: BaseException) -> int:
    """The exit code of an error of another rank."""
    return getattr(error, "exit_code", 70)
