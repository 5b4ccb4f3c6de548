"""Things that a run can do without: the first fault of one is a warning, and the run goes on.

Dispensable are the curves, the page with its plots, the metric file of a trial, the notices of a
machine, the progress line and the cache. Checkpoints, label_map.txt, model/ and the numbers and
predictions in report/ are not: they are what the run is for.
"""

import logging
from types import TracebackType

logger = logging.getLogger(__name__)


class Dispensable:
    """`with` it: what is raised inside is told the first time. `is_lost`: something was."""

    def __init__(self, what: str):
        self.what, self.is_lost = what, False

    def __enter__(self) -> "Dispensable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self.is_lost:
            self.is_lost = True
            reason = " ".join((str(error) or type(error).__name__).split())
            logger.warning("%s: the run goes on without it (%s).", self.what, reason[:200])
        return True
