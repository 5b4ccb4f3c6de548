"""A rank: the process that `agent` starts for one device."""

import logging
import os
import signal
import sys
from collections.abc import Callable

from job.devices.elastic.peers import ElasticPeers
from job.devices.elastic.place import STOPS, Place
from job.machine import is_json_asked, take_out_launchers
from job.signals import StopRequest

# All that is done on a rank; the exit code.
RankFunction = Callable[[ElasticPeers, StopRequest], int]


def rank_main(function: RankFunction, place: Place, number: int) -> None:
    """The first function of a rank's process, in round `number`. It returns where all went well;
    else it ends the process, past what waits for other ranks."""
    stop = StopRequest(as_json=is_json_asked(os.environ))
    stop.install()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    rank, local_rank = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    take_out_launchers(os.environ)  # Lightning would believe them
    interface = os.environ.get("NCCL_SOCKET_IFNAME", "")
    peers = ElasticPeers(place, number, rank, local_rank, stop, interface)
    code = function(peers, stop)
    if code:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    peers.watch.has_left.set()
