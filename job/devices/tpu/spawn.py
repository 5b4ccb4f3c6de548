"""A training on several cores: the job is written to a file, and each rank reads its own copy."""

import logging
import os
import pickle
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from job.checkpoints import CheckpointStore, Saver
from job.devices.hardware import Hardware
from job.devices.tpu import graphs, runtime
from job.devices.tpu.compilation_cache import Compiled
from job.devices.tpu.coordinator import (
    TPU_BUSY,
    Desk,
    LogToOffice,
    Office,
    RankError,
    ignore_signals,
)
from job.devices.tpu.remote import Going, Line, NoSaver
from job.errors import JobError, UnavailableError
from job.evaluation import EpochRecord
from job.settings import Settings
from job.signals import Stopped, StopRequest
from job.storage import RetryPolicy, retry_policy, set_retry_policy
from job.training import Prepared

NOTICED_S = 2.0  # after which the office has noticed that a process is gone
TrainRank = Callable[..., list[EpochRecord]]


def on_every_core(train_rank: TrainRank, hardware: Hardware) -> TrainRank:
    """`train_rank` for each device; the first rank's history."""
    if hardware.accelerator != "tpu":
        return train_rank
    return partial(_on_one_core if hardware.devices == 1 else _on_cores, train_rank)


def _on_one_core(
    train_rank: TrainRank, prepared: Prepared, settings: Settings, *job: Any
) -> list[EpochRecord]:
    history: list[EpochRecord] = []
    compiled = Compiled(settings.cache_dir, settings.downstream_model_dir)
    compiled.fetch()

    def train(rank: int) -> None:
        graphs.keep_compiled(compiled.folder)
        history.extend(train_rank(prepared, settings, *job))

    runtime.launch(train, (), 1)
    compiled.publish_behind()
    return history


def _on_cores(
    train_rank: TrainRank,
    prepared: Prepared,
    settings: Settings,
    hardware: Hardware,
    run: Any,
    log_folder: Path,
) -> list[EpochRecord]:
    store = run.saver.store
    folder = run.saver.scratch
    job = Job(
        train_rank,
        prepared,
        settings.model_copy(update={"hf_token": None}),
        hardware,
        replace(run, saver=None, lease=None, stop=None, line=None),
        log_folder,
        replace(store, confirm=None),
        folder,
        retry_policy(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "job.pickle"
    with file.open("wb") as stream:
        pickle.dump(job, stream, pickle.HIGHEST_PROTOCOL)

    def going_on() -> int | None:
        run.lease.check()
        return run.stop.received

    compiled = Compiled(settings.cache_dir, settings.downstream_model_dir)
    compiled.fetch()

    def show(values: Mapping) -> None:
        run.line.update(**values)
        # In an epoch after the first, in which all was compiled.
        if values["epoch"] > run.start.progressed.epoch + 1:
            compiled.publish_behind()

    services = {
        "going_on": going_on,
        "confirm": run.lease.confirm,
        "log": lambda record: logging.getLogger(record.name).handle(record),
        "show": show,
    }
    with Office(services, hardware.devices) as office:
        _launch(Rank(file, office.address, office.key), hardware.devices, office, run.stop)
        compiled.publish_behind()
        return office.history


def _launch(rank: "Rank", cores: int, office: Office, stop: StopRequest) -> None:
    """Raises what ended the ranks, where they did not come to their end."""
    try:
        runtime.launch(rank, (), cores)
    except BrokenProcessPool as error:
        # The pool may know of a death before the office does.
        office.raise_failure(wait_s=NOTICED_S)
        stop.raise_if_received()
        raise UnavailableError(f"A process that was to train has died. {TPU_BUSY}") from error
    except RuntimeError as error:  # torch_xla's, which has no other class
        office.raise_failure()
        if office.has_begun:
            raise
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnavailableError(f"The TPU cannot be opened ({why}). {TPU_BUSY}") from error


@dataclass(frozen=True)
class Job:
    """What a rank needs; it is read from a file by each of them, so that they share nothing."""

    train_rank: TrainRank
    prepared: Prepared
    settings: Settings
    hardware: Hardware
    run: Any
    log_folder: Path
    store: CheckpointStore
    scratch: Path
    retry_policy: RetryPolicy


class Rank:
    """What every core calls. The main thread of its process unpickles it, and only that thread may
    say what a signal does."""

    def __init__(self, file: Path, address: str, key: bytes):
        self.file, self.address, self.key = file, address, key

    def __setstate__(self, state: Mapping) -> None:
        ignore_signals()
        self.__dict__.update(state)

    def __call__(self, rank: int) -> None:
        process = Process.of(self.address, self.key)
        desk = Desk(self.address, self.key)
        desk.ask("begin", os.getpid())
        process.log.rank_of_thread[threading.get_ident()] = rank

        def fail(error: BaseException) -> None:
            """Tells, and waits for the end: it may be that another thread still saves."""
            if isinstance(error, Stopped):
                return
            shown = error if isinstance(error, JobError | MemoryError) else _as_text(error)
            desk.ask("fail", shown)
            threading.Event().wait()

        try:
            self._train(rank, process, desk, fail)
        except Stopped:
            pass  # the office knows
        except BaseException as error:
            fail(error)
        desk.ask("done", os.getpid())

    def _train(self, rank: int, process: "Process", desk: Desk, fail: Callable) -> None:
        with self.file.open("rb") as stream:
            job: Job = pickle.load(stream)
        set_retry_policy(job.retry_policy)
        process.keep_compiled(Path(job.settings.cache_dir, "compiled"))
        going = Going(desk if rank == 0 else None)
        saver = NoSaver()
        if rank == 0:
            # A line of its own: the uploader may wait for a store, and training must not.
            confirm = partial(Desk(self.address, self.key).ask, "confirm")
            saver = Saver(replace(job.store, confirm=confirm), job.scratch)
            process.saver = saver
        run = replace(job.run, saver=saver, lease=going, stop=going, line=Line(desk))
        hardware = replace(job.devices.hardware, on_failure=fail)
        history = job.train_rank(job.prepared, job.settings.settings, hardware, run, job.log_folder)
        if rank == 0:
            desk.ask("deliver", history)


def _as_text(error: BaseException) -> RankError:
    return RankError("".join(traceback.format_exception(error)))


class Process:
    """What the ranks of one process share: its log, and its end."""

    _made: ClassVar[dict[str, "Process"]] = {}
    _making = threading.Lock()

    def __init__(self, address: str, key: bytes):
        self.saver: Saver | None = None
        self.keeps_compiled = False
        self.log = LogToOffice(Desk(address, key))
        root = logging.getLogger()
        root.handlers[:] = [self.log]
        root.setLevel(logging.WARNING)
        logging.getLogger("job").setLevel(logging.INFO)
        logging.captureWarnings(True)
        Desk(address, key).watch(self._finish)

    @classmethod
    def of(cls, address: str, key: bytes) -> "Process":
        """The one that the first rank of this process made."""
        with cls._making:
            if address not in cls._made:
                cls._made[address] = cls(address, key)
            return cls._made[address]

    def keep_compiled(self, folder: Path) -> None:
        """Once in a process, by the rank that comes first."""
        with self._making:
            if not self.keeps_compiled:
                graphs.keep_compiled(folder)
                self.keeps_compiled = True

    def _finish(self) -> None:
        """What was handed over before another rank failed is still committed."""
        if self.saver is not None:
            self.saver.wait()
