"""The rendezvous of the machines of a run, at the address of CLUSTER_SPEC.

There the first machine opens a store of torch, which names the port of the `failure_channel`.
"""

import logging
import socket
import time
from contextlib import suppress
from datetime import timedelta

import torch.distributed as dist

from job.cloud import VertexEnvironment
from job.devices.cluster.failure_channel import Watch
from job.errors import UnavailableError

logger = logging.getLogger(__name__)

COME_WITHIN_S = 900.0  # machines start, and pull the image, each for itself
LOOK_EVERY_S = 0.1
ANSWER_WITHIN = timedelta(seconds=60)
RANK_BYTES = 4


def host(vertex: VertexEnvironment, watch: Watch) -> dist.Store:
    """On the first machine: opens the port, and waits for the others."""
    try:
        store = _store(vertex, is_first=True)
    except dist.DistError as error:
        raise UnavailableError(
            f"CLUSTER_SPEC: port {vertex.main_port} of this machine, the first, cannot be opened "
            f"({str(error).splitlines()[0]}); end what uses it."
        ) from error
    missing = set(range(1, vertex.node_count))
    logger.info("This is the first of %d machines; waiting for the others.", vertex.node_count)
    over_at = time.monotonic() + COME_WITHIN_S
    with socket.create_server(("", 0), backlog=vertex.node_count) as server:
        server.settimeout(LOOK_EVERY_S)
        store.set("watch", str(server.getsockname()[1]))
        while missing:
            if time.monotonic() >= over_at:
                raise UnavailableError(
                    f"{listed(sorted(missing))} not here after {COME_WITHIN_S:.0f} s, of the "
                    f"{vertex.node_count} in CLUSTER_SPEC; look at the log there, and start all "
                    "again."
                )
            with suppress(OSError):  # nobody yet, or somebody who left before a word
                connection, _ = server.accept()
                connection.settimeout(ANSWER_WITHIN.total_seconds())
                rank = _rank_at(connection)
                if rank in missing:
                    watch.add(rank, connection)
                    missing.remove(rank)
                else:
                    connection.close()
    logger.info("All %d machines are here.", vertex.node_count)
    return store


def _rank_at(connection: socket.socket) -> int:
    try:
        return int.from_bytes(connection.recv(RANK_BYTES, socket.MSG_WAITALL))
    except OSError:
        connection.close()
        raise


def join(vertex: VertexEnvironment, watch: Watch) -> dist.Store:
    """On any other machine: joins the first one."""
    address = (vertex.main_address, vertex.main_port)
    over_at = time.monotonic() + COME_WITHIN_S
    while (error := _unreachable(address)) is not None:
        if time.monotonic() >= over_at:
            raise UnavailableError(
                f"The first machine of CLUSTER_SPEC, {address[0]}:{address[1]}, is not here after "
                f"{COME_WITHIN_S:.0f} s ({error}); look at the log there, and start all again."
            )
        time.sleep(LOOK_EVERY_S)
    try:
        store = _store(vertex, is_first=False)
        port = int(store.get("watch"))
        connection = socket.create_connection((address[0], port), ANSWER_WITHIN.total_seconds())
        connection.sendall(vertex.node_rank.to_bytes(RANK_BYTES))
    except (dist.DistError, OSError) as error:
        raise UnavailableError(
            f"The first machine of CLUSTER_SPEC, {address[0]}, was there and is gone ({error}); "
            "look at the log there, and start all again."
        ) from error
    watch.add(0, connection)
    return store


def _unreachable(address: tuple[str, int]) -> OSError | None:
    """Why nobody answers there, or None."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError as error:
        return error
    return None


def _store(vertex: VertexEnvironment, *, is_first: bool) -> dist.Store:
    return dist.TCPStore(
        vertex.main_address,
        vertex.main_port,
        is_master=is_first,
        timeout=ANSWER_WITHIN,
        wait_for_workers=False,
    )


def listed(ranks: list[int]) -> str:
    """`Machine 3 is`, `Machines 1 and 3 are`."""
    if len(ranks) == 1:
        return f"Machine {ranks[0]} is"
    return f"Machines {', '.join(map(str, ranks[:-1]))} and {ranks[-1]} are"
