"""The log: short text lines for people, or one JSON line per record for Cloud Logging.

Cloud Logging lifts `severity`, `message`, `timestampSeconds` and `timestampNanos` out of a JSON
line on stdout (https://cloud.google.com/logging/docs/structured-logging).
"""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, TextIO

from job.machine import failure_of
from job.signals import write_past_locks

REDACTED = "(secret)"
_MARKED = {logging.WARNING: "WARNING ", logging.ERROR: "ERROR ", logging.CRITICAL: "ERROR "}


class _Formatter(logging.Formatter):
    """`whose` it is, where it is not the first machine's or rank's."""

    def __init__(self, secrets: Iterable[str], whose: str = ""):
        super().__init__()
        self._whose = f"{whose}: " if whose else ""
        # Longest first: a secret may be part of another one.
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def whole_message(self, record: logging.LogRecord) -> str:
        """The message with its traceback, without secrets."""
        try:
            parts = [record.getMessage().rstrip()]
        except Exception:  # a library's, whose values do not fit its text
            parts = [f"{record.msg} {record.args}"]
        if record.exc_info and record.exc_info[0]:
            parts.append("".join(traceback.format_exception(*record.exc_info)).rstrip())
        if record.stack_info:
            parts.append(record.stack_info)
        text = self._whose + "\n".join(part for part in parts if part)
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text


class TextFormatter(_Formatter):
    """`12:01:02 message`, local time; warnings and errors are marked."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        return f"{clock} {_MARKED.get(record.levelno, '')}{self.whole_message(record)}"


class JsonFormatter(_Formatter):
    """One line of ASCII a record, whatever the message and the traceback hold."""

    def format(self, record: logging.LogRecord) -> str:
        seconds, nanos = divmod(round(record.created * 1e6) * 1000, 10**9)
        fields = {
            "severity": record.levelname,
            "message": self.whole_message(record),
            "timestampSeconds": seconds,
            "timestampNanos": nanos,
            "logger": record.name,
            **getattr(record, "fields", {}),
        }
        return json.dumps(fields, default=str)


class StatusLine(Protocol):
    """The last line of a terminal, which stays below the records."""

    def draw(self) -> None:
        """Writes the line."""

    def erase(self) -> None:
        """Takes it off, so that a record can be written in its place."""


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes records above the status line, if there is one, and whatever the stream can encode."""

    lock: threading.RLock  # of each handler that has been made

    def __init__(self, stream: TextIO, formatter: logging.Formatter, is_terminal: bool):
        super().__init__(stream)
        self.setFormatter(formatter)
        self.is_terminal = is_terminal
        self.status: StatusLine | None = None
        self._has_told_of_failure = False

    def tell(self, text: str) -> None:
        """Text for people: as it is, or as one record where every line has to be JSON."""
        if isinstance(self.formatter, JsonFormatter):
            logging.getLogger("job").info("%s", text)
        else:
            print(text, file=self.stream, flush=True)

    def warn_past_locks(self, text: str) -> None:
        """A warning from a signal's handler, which must wait for no lock and no buffer."""
        record = logging.LogRecord("job", logging.WARNING, "", 0, text, None, None)
        write_past_locks(self.stream.fileno(), self.format(record))

    def show(self, line: StatusLine) -> None:
        """Draws the line, and draws it anew below each record until `take_off`."""
        with self.lock:
            self.status = line
            line.erase()
            line.draw()

    def take_off(self, line: StatusLine) -> None:
        """Erases the line, if it is the one that is shown."""
        with self.lock:
            if self.status is line:
                line.erase()
                self.flush()
                self.status = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.status:
            self.status.erase()
        super().emit(record)
        if self.status:
            self.status.draw()
        self._tell_of_failure()

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be written is not worth a traceback."""
        print(f"A line of {record.name} is missing from the log.", file=sys.stderr)

    def _tell_of_failure(self) -> None:
        """Once and elsewhere, that this stream says nothing more."""
        reason = failure_of(self.stream)
        if reason is None or self._has_told_of_failure or self.stream is sys.stderr:
            return
        self._has_told_of_failure = True
        text = f"The log cannot be written ({reason}); the run goes on without it."
        warning = {"msg": text, "levelno": logging.WARNING, "levelname": "WARNING"}
        print(self.format(logging.makeLogRecord(warning)), file=sys.stderr, flush=True)

    def format(self, record: logging.LogRecord) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return super().format(record).encode(encoding, "backslashreplace").decode(encoding)


def set_up_logging(
    log_format: str,
    stream: TextIO,
    is_terminal: bool,
    *,
    in_cloud: bool = False,
    secrets: Iterable[str] = (),
    whose: str = "",
    least: int = logging.INFO,
) -> LogHandler:
    """Sends the log, Python's warnings and uncaught exceptions to `stream`, as text or JSON lines.

    `log_format`: auto, text or json; auto is json in the cloud. The job's own messages are shown
    from `least` up, those of libraries from WARNING up at the least; `whose` they are stands before
    each. Call it again to replace what it set up.
    """
    as_json = log_format == "json" or (log_format == "auto" and in_cloud)
    formatter: _Formatter = TextFormatter(secrets, whose)
    if as_json:
        formatter = JsonFormatter(secrets, whose)
    handler = LogHandler(stream, formatter, is_terminal and not as_json)
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, LogHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(least, logging.WARNING))
    for ours in ("job", "__main__"):
        logging.getLogger(ours).setLevel(least)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    return handler


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("job").critical("Uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
