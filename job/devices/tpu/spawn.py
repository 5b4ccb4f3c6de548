"""A training on the cores of a TPU. On several of them the job is written to a file, and each rank
reads its own copy, so that they share nothing."""

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
from typing import Any, ClassVar, Generic

from job.checkpoints import CheckpointStore, NoSaver, Saver
from job.devices.hardware import Hardware, PreparedT, RunT, TrainRank
from job.devices.tpu import runtime
from job.devices.tpu.coordinator import (
    TPU_BUSY,
    Coordinator,
    CoordinatorClient,
    LogToCoordinator,
    RankError,
    ignore_signals,
)
from job.devices.tpu.remote import RemoteProgressLine, RemoteStop
from job.errors import JobError, UnavailableError
from job.evaluation import EpochRecord
from job.settings import Settings
from job.signals import Stopped, StopSource
from job.storage import Lease, RetryPolicy, retry_policy, set_retry_policy

NOTICED_S = 2.0  # after which the coordinator has noticed that a process is gone


def on_one_core(
    train_rank: TrainRank[PreparedT, RunT],
    prepared: PreparedT,
    settings: Settings,
    hardware: Hardware,
    run: RunT,
    log_folder: Path,
) -> list[EpochRecord]:
    """Trains in this process; its history."""
    history: list[EpochRecord] = []

    def train(rank: int) -> None:
        history.extend(train_rank(prepared, settings, hardware, run, log_folder))

    runtime.launch(train, (), 1)
    return history


def on_every_core(
    train_rank: TrainRank[PreparedT, RunT],
    prepared: PreparedT,
    settings: Settings,
    hardware: Hardware,
    run: RunT,
    log_folder: Path,
) -> list[EpochRecord]:
    """Trains in processes of their own, for which this one is the coordinator; the first rank's
    history. Raises what ended the first rank that failed."""
    saver, lease, stop, line = run.saver, run.lease, run.stop, run.line
    assert isinstance(saver, Saver)
    assert isinstance(lease, Lease)
    job = RankJob(
        train_rank,
        prepared,
        settings.model_copy(update={"hf_token": None}),
        hardware,
        run.on_rank(NoSaver(), RemoteStop(), RemoteProgressLine()),
        log_folder,
        replace(saver.store, confirm=_confirm_later),
        saver.scratch,
        retry_policy(),
    )
    saver.scratch.mkdir(parents=True, exist_ok=True)
    file = saver.scratch / "job.pickle"
    with file.open("wb") as stream:
        pickle.dump(job, stream, pickle.HIGHEST_PROTOCOL)

    def stop_signal() -> int | None:
        lease.check()
        return stop.received

    services: dict[str, Callable[..., Any]] = {
        "stop_signal": stop_signal,
        "confirm": lease.confirm,
        "log": lambda record: logging.getLogger(record.name).handle(record),
        "show": lambda values: line.update(**values),
    }
    with Coordinator(services, hardware.devices) as coordinator:
        main = RankMain(file, coordinator.address, coordinator.key)
        _launch(main, hardware.devices, coordinator, stop)
        return coordinator.history


def _confirm_later() -> None:
    """The first rank asks the coordinator; what is in the file is not asked."""


def _launch(main: "RankMain", cores: int, coordinator: Coordinator, stop: StopSource) -> None:
    """Raises what ended the ranks, where they did not come to their end."""
    try:
        runtime.launch(main, (), cores)
    except BrokenProcessPool as error:
        # The pool may know of a death before the coordinator does.
        coordinator.raise_failure(wait_s=NOTICED_S)
        if stop.received is not None:
            raise Stopped(stop.received) from error
        raise UnavailableError(f"A process that was to train has died. {TPU_BUSY}") from error
    except RuntimeError as error:  # torch_xla's, which has no other class
        coordinator.raise_failure()
        if coordinator.has_begun:
            raise
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnavailableError(f"The TPU cannot be opened ({why}). {TPU_BUSY}") from error


@dataclass(frozen=True)
class RankJob(Generic[PreparedT, RunT]):
    """All that a rank needs, as it lies in the file. `run` is that of every rank but the first."""

    train_rank: TrainRank[PreparedT, RunT]
    prepared: PreparedT
    settings: Settings
    hardware: Hardware
    run: RunT
    log_folder: Path
    store: CheckpointStore
    scratch: Path
    retry_policy: RetryPolicy  # of this process with its stores


class RankMain:
    """The function that every core calls. The main thread of its process unpickles it, and only
    that thread may say what a signal does."""

    def __init__(self, file: Path, address: str, key: bytes):
        self.file, self.address, self.key = file, address, key

    def __setstate__(self, state: Mapping[str, object]) -> None:
        ignore_signals()
        self.__dict__.update(state)

    def __call__(self, rank: int) -> None:
        process = RankProcess.of(self.address, self.key)
        client = CoordinatorClient(self.address, self.key)
        client.ask("begin", os.getpid())
        process.log.rank_of_thread[threading.get_ident()] = rank

        def fail(error: BaseException) -> None:
            """Tells, and waits for the end: it may be that another thread still saves."""
            if isinstance(error, Stopped):
                return
            shown = error if isinstance(error, JobError | MemoryError) else _as_text(error)
            client.ask("fail", shown)
            threading.Event().wait()

        try:
            self._train(rank, process, client, fail)
        except Stopped:
            pass  # the coordinator knows
        except BaseException as error:
            fail(error)
        client.ask("done", os.getpid())

    def _train(
        self,
        rank: int,
        process: "RankProcess",
        client: CoordinatorClient,
        fail: Callable[[BaseException], None],
    ) -> None:
        with self.file.open("rb") as stream:
            job: RankJob[Any, Any] = pickle.load(stream)
        set_retry_policy(job.retry_policy)
        run = job.run
        if rank == 0:
            # A connection of its own: the uploader may wait for a store, and training must not.
            confirm = partial(CoordinatorClient(self.address, self.key).ask, "confirm")
            process.saver = Saver(replace(job.store, confirm=confirm), job.scratch)
            run = run.on_rank(process.saver, RemoteStop(client), RemoteProgressLine(client))
        hardware = replace(job.hardware, on_failure=fail)
        history = job.train_rank(job.prepared, job.settings, hardware, run, job.log_folder)
        if rank == 0:
            client.ask("deliver", history)


def _as_text(error: BaseException) -> RankError:
    return RankError("".join(traceback.format_exception(error)))


class RankProcess:
    """The shared part of the ranks of one process: its log, and its end."""

    _made: ClassVar[dict[str, "RankProcess"]] = {}
    _making = threading.Lock()

    def __init__(self, address: str, key: bytes):
        self.saver: Saver | None = None
        self.log = LogToCoordinator(CoordinatorClient(address, key))
        root = logging.getLogger()
        root.handlers[:] = [self.log]
        root.setLevel(logging.WARNING)
        logging.getLogger("job").setLevel(logging.INFO)
        logging.captureWarnings(True)
        CoordinatorClient(address, key).watch(self._finish)

    @classmethod
    def of(cls, address: str, key: bytes) -> "RankProcess":
        """The one that the first rank of this process made."""
        with cls._making:
            if address not in cls._made:
                cls._made[address] = cls(address, key)
            return cls._made[address]

    def _finish(self) -> None:
        """What was handed over before another rank failed is still committed."""
        if self.saver is not None:
            self.saver.wait()
