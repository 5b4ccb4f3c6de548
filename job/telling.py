"""The log of a command, and how it says what ended it."""

import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING

from job.cloud import read_vertex
from job.errors import EXIT_INTERNAL
from job.machine import explained, of_a_variable, streams
from job.signals import StopRequest

if TYPE_CHECKING:
    from job.log import LogHandler
    from job.settings import Parsed

logger = logging.getLogger("job")


def set_up_log(parsed: "Parsed", stop: StopRequest, rank: int = 0) -> "LogHandler":
    """The log goes to stdout, where Cloud Logging reads its severity, or beside what goes there.

    Of a `rank` but the first, only errors are shown, since the first warns of the same corpus; of
    a machine but the first, only warnings; each with whose it is.
    """
    from job.log import set_up_logging

    settings = parsed.settings
    stream = sys.stderr if parsed.command in ("predict", "evaluate", "convert") else sys.stdout
    if parsed.command == "train":
        streams.outlive_reader()
    # Where lines cannot be erased, each is a line of the log.
    is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
    vertex = read_vertex(os.environ)
    token = settings.hf_token.get_secret_value() if settings.hf_token else ""
    machine = f"machine {vertex.node_rank}" if vertex.node_rank else ""
    handler = set_up_logging(
        settings.log_format,
        stream,
        is_terminal,
        in_cloud=vertex.in_cloud,
        secrets=[token],
        whose=f"rank {rank}" if rank else machine,
        least=logging.ERROR if rank else logging.WARNING if machine else logging.INFO,
    )
    stop.tell = handler.warn_past_locks
    return handler


def told(error: BaseException, sizes: str = "") -> int:
    """Logs what ended this run, in a sentence where it is no fault of the job; the exit code."""
    cause = explained(error, sizes) or of_a_variable(error, os.environ)
    if cause is None:
        trace = "".join(traceback.format_exception(error))
        logger.critical("This is a fault of the job, please report it:\n%s", trace)
        return EXIT_INTERNAL
    logger.error("%s", cause)
    return cause.exit_code
