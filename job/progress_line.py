"""The progress of training: a line rewritten in place on a terminal, or a log line now and then."""

import logging
import math
import shutil
import time
from collections import deque
from collections.abc import Callable

from job.figures import dollars, rounded
from job.log import LogHandler

logger = logging.getLogger(__name__)

REDRAW_EVERY_S = 0.1
SPEED_OVER_S = 30
ERASE_LINE = "\r\x1b[K"


def duration(seconds: float) -> str:
    """`45 s`, `1 min 20 s`, `2 h 5 min`, `1 d 3 h`."""
    whole = max(0, round(seconds))
    for unit, size, smaller, step in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // step} {smaller}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


# The most wanted first: a narrow terminal shows as many as fit.
SHOWN_AS: dict[str, Callable[[float], str]] = {
    "seconds_left": lambda seconds: f"{duration(seconds)} left",
    "loss": lambda loss: f"loss {rounded(loss)}",
    "f1": lambda f1: f"F1 {rounded(f1)}",
    "sentences_per_s": lambda speed: f"{speed:,.0f} sentences/s",
    "cost_usd": dollars,
}


def _terminal_columns() -> int:
    return shutil.get_terminal_size().columns


class ProgressLine:
    """Counts from what `update` is told. `clock` gives seconds; `columns` the terminal's width.

    On a terminal it is the handler's status line, below which nothing is written until `close`.
    """

    def __init__(
        self,
        handler: LogHandler,
        *,
        epochs: int,
        log_every_s: float = 10,
        price_per_hour: float = 0,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = _terminal_columns,
    ):
        self._handler = handler
        self._epochs = epochs
        self._every_s = REDRAW_EVERY_S if handler.is_terminal else log_every_s
        self._price_per_hour = price_per_hour
        self._clock = clock
        self._columns = columns
        self._started_at = clock()
        self._first: tuple[float, int] | None = None  # time and steps done at the first update
        self._recent: deque[tuple[float, int]] = deque()  # time and sentences done, this epoch
        self._epoch = 0
        self._told_at: float | None = None
        self._parts: list[str] = []
        self._fields: dict[str, object] = {}
        self._is_told = True

    def update(
        self,
        epoch: int,
        step: int,
        steps_total: int,
        loss: float | None,
        f1: float | None,
        sentences_done: int,
    ) -> None:
        """After `step` of the `steps_total` steps of `epoch`; both count from 1.

        `sentences_done` grows over the epochs. `f1` is the last known one.
        """
        now = self._clock()
        done, total = (epoch - 1) * steps_total + step, self._epochs * steps_total
        cost = (now - self._started_at) * self._price_per_hour / 3600
        percent = 100 * done // max(total, 1)
        values = {
            "seconds_left": self._seconds_left(now, done, total),
            "loss": loss,
            "f1": f1,
            "sentences_per_s": self._sentences_per_s(now, epoch, sentences_done),
            "cost_usd": cost if self._price_per_hour else None,
        }
        known = {name: value for name, value in values.items() if value is not None}
        where = f"epoch {epoch}/{self._epochs}, step {step}/{steps_total} ({percent} %)"
        self._parts = [where, *(SHOWN_AS[name](value) for name, value in known.items())]
        self._fields = {"epoch": epoch, "step": step, "percent": percent}
        # JSON has no NaN.
        self._fields |= {n: v if math.isfinite(v) else str(v) for n, v in known.items()}
        self._is_told = False
        if self._told_at is None or now - self._told_at >= self._every_s:
            self._told_at = now
            self._tell()

    def _sentences_per_s(self, now: float, epoch: int, sentences_done: int) -> float | None:
        """Over the last half minute of this epoch: a validation between epochs does not count."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._recent.clear()
        self._recent.append((now, sentences_done))
        while len(self._recent) > 2 and now - self._recent[0][0] > SPEED_OVER_S:
            self._recent.popleft()
        then, sentences_then = self._recent[0]
        return (sentences_done - sentences_then) / (now - then) if now > then else None

    def _seconds_left(self, now: float, done: int, total: int) -> float | None:
        """From the pace since the first update, validations included."""
        if self._first is None:
            self._first = (now, done)
        then, done_then = self._first
        return (now - then) / (done - done_then) * (total - done) if done > done_then else None

    def _tell(self) -> None:
        self._is_told = True
        if not self._handler.is_terminal:
            text = ", ".join(self._parts)
            logger.info("%s", text, extra={"fields": {"progress": self._fields}})
            return
        self._handler.show(self)

    def draw(self) -> None:
        """Writes the line, as many of its parts as the terminal is wide."""
        room = max(self._columns() - 1, 1)
        parts = list(self._parts)
        while len(parts) > 1 and len(", ".join(parts)) > room:
            parts.pop()
        self._handler.stream.write(", ".join(parts)[:room])
        self._handler.stream.flush()

    def erase(self) -> None:
        """Takes the line off the terminal, so that something else can be written there."""
        self._handler.stream.write(ERASE_LINE)

    def close(self) -> None:
        """Ends the progress: the line goes; in a log file the last state is written."""
        if self._handler.is_terminal:
            self._handler.take_off(self)
        elif not self._is_told:
            self._tell()
