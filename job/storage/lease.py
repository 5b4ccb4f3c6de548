"""The right to write below a URL, held by one job at a time.

LEASE.json names the holder, who renews it while it lives. A second job refuses when it sees that.
The lease of a dead holder is taken over: at once where it can be known to be dead (it said so, its
process is gone from this machine, or the store's clock says that it is over), else when it was not
renewed for its whole time. A holder that wakes after that finds another's lease and cannot commit.
Clocks of two machines are never compared. After Gray and Cheriton, "Leases", SOSP 1989.
"""

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace

from job.errors import IncompatibleError, JobError, OutputError
from job.figures import counted
from job.machine import is_gone, process_name
from job.signals import Stopped
from job.storage import objects

logger = logging.getLogger(__name__)

LEASE = "LEASE.json"
TTL_S = 30.0
RENEW_EVERY_S = 10.0
LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class LeaseRecord:
    """The contents of LEASE.json. `renewals` makes each renewal other bytes."""

    holder: str
    process: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    renewals: int = 0
    released: bool = False
    from_step: int | None = None
    attempts: int = 0

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "LeaseRecord":
        """A damaged one is an unknown holder's, who has to fall silent like any other."""
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError):
            return cls("unknown", "", token="")


class Lease:
    """A lease that this process holds; see `held`."""

    def __init__(self, url: str, record: LeaseRecord, renew_every_s: float):
        self.url, self.record, self.renew_every_s = url, record, renew_every_s
        self._lost_to: str | None = None
        self._may_stand = False
        self._writing = threading.Lock()
        self._over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)

    def claim(self, write: Callable[[], None]) -> None:
        """Puts the record into the store. A stop in the middle leaves it open whether it stands."""
        self._may_stand = True
        try:
            write()
        except Exception:
            self._may_stand = False
            raise

    def _renew(self) -> None:
        while not self._over.wait(self.renew_every_s):
            try:
                self._write(lambda old: replace(old, renewals=old.renewals + 1))
            except JobError as error:
                logger.warning("The lease was not renewed: %s", error)

    def _write(self, change: Callable[[LeaseRecord], LeaseRecord]) -> None:
        """Writes a changed record in the place of ours; another's there means the lease is lost."""
        with self._writing:
            new = change(self.record)
            try:
                objects.swap(self.url, self.record.to_bytes(), new.to_bytes())
                self.record = new
            except FileNotFoundError:
                self._lost_to = "nobody: it was deleted"
            except FileExistsError:
                self._lost_to = self._stands()

    def _stands(self) -> str:
        try:
            return LeaseRecord.from_bytes(objects.read_bytes(self.url)).holder
        except FileNotFoundError:
            return "nobody: it was deleted"

    def check(self) -> None:
        """Raises OutputError when a renewal found that the lease is lost. Asks no server."""
        if self._lost_to is not None:
            raise OutputError(
                f"{self.url}: this job was silent for too long, and its lease went to "
                f"{self._lost_to}; nothing more is written. Start it again when that one has ended."
            )

    def confirm(self) -> None:
        """Raises OutputError unless the lease stands in the store as ours: to be asked before and
        after a commit."""
        with self._writing:
            try:
                stands = LeaseRecord.from_bytes(objects.read_bytes(self.url))
                if stands.token != self.record.token:
                    self._lost_to = stands.holder
            except FileNotFoundError:
                self._lost_to = "nobody: it was deleted"
        self.check()

    def count_attempt(self, step: int, max_attempts: int) -> None:
        """Counts the starts from one step that left no checkpoint and ended without being asked to.

        Raises IncompatibleError when there were `max_attempts` (0: no limit).
        """
        before = _attempts(self.url, self.record, step, max_attempts)
        self._write(lambda old: replace(old, from_step=step, attempts=before + 1))
        self.check()

    def end(self, *, well: bool) -> None:
        """Gives the lease back. After a failure the count of attempts stays behind."""
        self._over.set()
        if self._renewing.is_alive():
            self._renewing.join()
        if self._lost_to is not None or not self._may_stand:
            return
        if well:
            self.confirm()
            objects.remove(self.url, self.url.removesuffix(LEASE))
        else:
            self._write(lambda old: replace(old, released=True))


@contextmanager
def held(
    directory: str, *, ttl_s: float = TTL_S, renew_every_s: float = RENEW_EVERY_S
) -> Iterator[Lease]:
    """Holds the lease of `directory` inside the block.

    Raises OutputError, with the holder's name and the lease's age, when another job holds it.
    """
    record = LeaseRecord(f"{socket.gethostname()}, process {os.getpid()}", process_name())
    lease = Lease(objects.join(directory, LEASE), record, renew_every_s)
    try:
        _take(lease, ttl_s)
        lease._renewing.start()
        yield lease
    except BaseException as error:
        _end_quietly(lease, well=isinstance(error, Stopped))
        raise
    lease.end(well=True)


def _end_quietly(lease: Lease, *, well: bool) -> None:
    """What ended the run is told, not that the lease could not be given back."""
    try:
        lease.end(well=well)
    except JobError as error:
        logger.warning("The lease stays behind and runs out by itself: %s", error)


def require_free(directory: str, *, ttl_s: float = TTL_S) -> None:
    """Raises OutputError where `held` would, after as long a wait; takes nothing."""
    with suppress(FileNotFoundError):
        _wait_for_death(objects.join(directory, LEASE), ttl_s)


def require_attempts(directory: str, step: int, max_attempts: int) -> None:
    """Raises IncompatibleError where `count_attempt` would."""
    url = objects.join(directory, LEASE)
    with suppress(FileNotFoundError):
        _attempts(url, LeaseRecord.from_bytes(objects.read_bytes(url)), step, max_attempts)


def _attempts(url: str, record: LeaseRecord, step: int, max_attempts: int) -> int:
    """The starts from this step that were in vain, where one more is allowed."""
    before = record.attempts if record.from_step == step else 0
    if max_attempts and before >= max_attempts:
        raise IncompatibleError(
            f"{url}: {counted(before, 'start')} from step {step} ended without a new checkpoint; "
            "read their logs, then set MAX_ATTEMPTS higher, or delete this file."
        )
    return before


def _take(lease: Lease, ttl_s: float) -> None:
    url = lease.url
    try:
        lease.claim(lambda: objects.create(url, lease.record.to_bytes()))
        return
    except FileExistsError:
        pass
    try:
        seen = _wait_for_death(url, ttl_s)
        before = LeaseRecord.from_bytes(seen)
        lease.record = replace(lease.record, from_step=before.from_step, attempts=before.attempts)
        lease.claim(lambda: objects.swap(url, seen, lease.record.to_bytes()))
    except FileNotFoundError:  # given back meanwhile
        return _take(lease, ttl_s)
    except FileExistsError as error:
        raise OutputError(
            f"{url}: another job took this lease first; only one job may write."
        ) from error
    if not before.released:
        logger.info("The lease of %s, which has ended, was taken over.", before.holder)


def _wait_for_death(url: str, ttl_s: float) -> bytes:
    """The bytes of a lease whose holder is dead. Raises OutputError when the holder shows life."""
    seen = objects.read_bytes(url)
    holder = LeaseRecord.from_bytes(seen)
    if holder.released or is_gone(holder.process):
        return seen
    age_s = _age_s(url)
    if age_s < ttl_s:
        logger.info(
            "%s was renewed by %s %.0f s ago; waiting up to %.0f s for a sign of life.",
            *(url, holder.holder, age_s, ttl_s - age_s),
        )
    over_at = time.monotonic() + ttl_s - age_s
    while time.monotonic() < over_at:
        time.sleep(min(LOOK_EVERY_S, max(0.0, over_at - time.monotonic())))
        if (now := objects.read_bytes(url)) == seen:
            continue
        if (holder := LeaseRecord.from_bytes(now)).released:
            return now
        raise OutputError(
            f"{url}: {holder.holder} is writing to this folder and renewed its lease "
            f"{_age_s(url):.0f} s ago; wait until it ends, or choose another DOWNSTREAM_MODEL_DIR."
        )
    return seen


def _age_s(url: str) -> float:
    """Seconds since the lease was written, both ends by the store's own clock."""
    beside = f"{url}.{uuid.uuid4().hex[:8]}"
    objects.write_bytes(beside, b"what time is it?")
    try:
        return max(0.0, objects.modified_at(beside) - objects.modified_at(url))
    finally:
        objects.remove(beside, url.removesuffix(LEASE))
