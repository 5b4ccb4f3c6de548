"""The connection of an agent to the store of machine 0.

Torch's client waits in C++ for an answer, without end where the network is cut, and hears no
signal. So each question is asked in a thread, and waited for here.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import timedelta
from typing import TypeVar

import torch.distributed as dist

from job.devices.elastic.place import Place
from job.errors import UnavailableError
from job.signals import Stopped, StopRequest

T = TypeVar("T")

COME_WITHIN_S = 900.0  # machines start, and pull the image, each for itself
ANSWER_WITHIN_S = 20.0
LOOK_EVERY_S = 0.1


class LostError(Exception):
    """Machine 0 does not answer any more."""


class Connection:
    """To the store, which machine 0 has opened; that it is silent is a LostError."""

    def __init__(self, place: Place, stop: StopRequest):
        self._stop = stop
        address = (place.host, place.port)
        self.store = open_store(place) if place.machine == 0 else self._join(address)

    def ask(self, question: Callable[[], T]) -> T:
        """The answer of the store. Raises LostError, and Stopped where a signal comes meanwhile."""
        try:
            return self._answer(_asked(question), ANSWER_WITHIN_S)
        except dist.DistError as error:
            raise LostError(str(error).splitlines()[0]) from error

    def _answer(self, future: "Future[T]", within_s: float) -> T:
        over_at = time.monotonic() + within_s
        while not wait([future], LOOK_EVERY_S).done:
            if self._stop.received is not None:
                raise Stopped(self._stop.received)
            if time.monotonic() >= over_at:
                raise LostError(f"no answer within {within_s:.0f} s")
        return future.result()

    def _join(self, address: tuple[str, int]) -> dist.Store:
        over_at = time.monotonic() + COME_WITHIN_S
        while (error := _unreachable(address)) is not None:
            if self._stop.received is not None:
                raise Stopped(self._stop.received)
            if time.monotonic() >= over_at:
                raise UnavailableError(
                    f"The first machine of CLUSTER_SPEC, {address[0]}:{address[1]}, is not here "
                    f"after {COME_WITHIN_S:.0f} s ({error}); look at the log there, and start all "
                    "again."
                )
            time.sleep(LOOK_EVERY_S)
        try:
            return self.ask(lambda: client(*address))
        except LostError as silent:
            raise UnavailableError(
                f"The first machine of CLUSTER_SPEC, {address[0]}:{address[1]}, does not answer "
                f"as this job does ({silent}); look at what listens there, and start all again."
            ) from silent


def _asked(question: Callable[[], T]) -> "Future[T]":
    """The answer to come, in a thread that nobody waits for at the end: it may wait for ever."""
    future: Future[T] = Future()

    def answer() -> None:
        try:
            future.set_result(question())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=answer, name="store", daemon=True).start()
    return future


def client(host: str, port: int) -> dist.Store:
    """One more connection of this process to the store."""
    return dist.TCPStore(
        host,
        port,
        is_master=False,
        timeout=timedelta(seconds=ANSWER_WITHIN_S),
        wait_for_workers=False,
    )


def open_store(place: Place) -> dist.Store:
    """On machine 0: the store itself. A single machine's can be reached from that machine only."""
    try:
        server = _listen("127.0.0.1" if place.machines == 1 else "", place.port)
    except OSError as error:
        raise UnavailableError(
            f"CLUSTER_SPEC: port {place.port} of this machine, the first, cannot be opened "
            f"({os.strerror(error.errno or 0)}); end what uses it."
        ) from error
    with server:
        place.port = server.getsockname()[1]
        return dist.TCPStore(
            place.host,
            place.port,
            is_master=True,
            timeout=timedelta(seconds=ANSWER_WITHIN_S),
            wait_for_workers=False,
            master_listen_fd=os.dup(server.fileno()),
        )


def _listen(host: str, port: int) -> socket.socket:
    if host or not socket.has_dualstack_ipv6():
        return socket.create_server((host, port), backlog=512)
    return socket.create_server(
        (host, port), family=socket.AF_INET6, backlog=512, dualstack_ipv6=True
    )


def _unreachable(address: tuple[str, int]) -> Exception | None:
    """Why nobody answers there, or None."""
    try:
        socket.create_connection(address, timeout=1).close()
    except (OSError, UnicodeError) as error:  # the latter of a name that no machine can have
        return error
    return None
