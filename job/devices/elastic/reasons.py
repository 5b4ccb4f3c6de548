"""The reason why the ranks of a round end: the first that anybody gave, for all of them."""

import json
from dataclasses import asdict, dataclass

import torch.distributed as dist

from job.errors import JobError, UnavailableError
from job.signals import Stopped

AGAIN = "start the job again, and it goes on from the last checkpoint"
PASSING = frozenset((69, 70, 74))  # exit codes of what may not happen again
LONGEST_SENTENCE = 4000  # characters
NOBODY = -1


@dataclass(frozen=True)
class EndReason:
    """`code`: 0 when all is done, 128 + a signal's number, or an error's. `told_on`: the machine in
    whose log a rank has told it already."""

    code: int
    sentence: str = ""
    told_on: int = NOBODY

    @property
    def signal(self) -> int:
        """The signal that asked the run to stop, or 0."""
        return max(0, self.code - 128)

    @property
    def may_pass(self) -> bool:
        """Whether the ranks may be started again after it."""
        return self.code in PASSING


def lost(what: str) -> EndReason:
    """A machine or a process is gone."""
    return EndReason(UnavailableError.exit_code, f"{what}; {AGAIN}.")


class Round:
    """The ranks from one start to their end, as every process of it sees them in the store."""

    def __init__(self, store: dist.Store, number: int):
        self.store, self.number = store, number

    def key(self, *names: object) -> str:
        """A name in the store that no other round uses."""
        return "/".join(map(str, (self.number, *names)))

    def say(self, reason: EndReason) -> bool:
        """Gives the reason to all; whether it is the first, which counts."""
        said = json.dumps(asdict(reason) | {"sentence": reason.sentence[:LONGEST_SENTENCE]})
        return self.store.compare_set(self.key("why"), "", said) == said.encode()

    def why(self) -> EndReason | None:
        """The first reason that was given."""
        if not self.store.check([self.key("why")]):
            return None
        return EndReason(**json.loads(self.store.get(self.key("why"))))


class ElsewhereError(JobError):
    """The failure of another rank or machine, with its exit code."""

    def __init__(self, reason: EndReason):
        super().__init__(reason.sentence)
        self.exit_code = reason.code


def as_exception(reason: EndReason) -> BaseException:
    """The reason as what this process would have raised."""
    return Stopped(reason.signal) if reason.signal else ElsewhereError(reason)


def listed(numbers: list[int], noun: str) -> str:
    """`Machine 3`, `Ranks 1 and 3`."""
    if len(numbers) == 1:
        return f"{noun} {numbers[0]}"
    return f"{noun}s {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


class EndedError(Exception):
    """The run is over on all machines, for this reason."""

    def __init__(self, reason: EndReason):
        super().__init__(reason.sentence)
        self.reason = reason
