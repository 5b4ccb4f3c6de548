"""Worker processes that prepare batches, where there is room for them."""

import errno
import time
from types import SimpleNamespace

import pytest
import torch

from job.batches.data_module import RunData, workers_that_fit
from job.machine.causes import explained


class Silent(torch.utils.data.Dataset):
    """A first batch for the main process, and none from a worker."""

    def __getitem__(self, index):
        if torch.utils.data.get_worker_info():
            time.sleep(60)
        return {"ids": torch.zeros(4)}

    def __len__(self):
        return 3


def test_a_worker_that_delivers_nothing_ends_the_run_with_a_sentence(monkeypatch):
    """One that lives on without its own threads would be waited for without end."""
    monkeypatch.setattr("job.batches.data_module.WORKER_TIMEOUT_S", 1)
    data = RunData(Silent(), None, first_epoch=0, first_step=0, workers=1)
    data.trainer = SimpleNamespace(current_epoch=0)
    with pytest.raises(RuntimeError) as raised:
        next(iter(data.train_dataloader()))
    cause = explained(raised.value)
    assert cause.exit_code == 69
    assert "CPU_WORKERS=0" in str(cause)


def test_worker_processes_need_room_in_shared_memory(tmp_path, monkeypatch, caplog):
    """Where batches would not fit, they are prepared in the main process, and the log says so."""
    batch = {"ids": torch.zeros(1000, dtype=torch.int64), "epoch": 1}
    free = SimpleNamespace(free=12 * 8192)
    monkeypatch.setattr("job.batches.data_module.shutil.disk_usage", lambda folder: free)
    assert workers_that_fit(2, batch, tmp_path) == 2
    assert not caplog.text
    assert workers_that_fit(3, batch, tmp_path) == 0
    assert "CPU_WORKERS=3" in caplog.text
    assert "--shm-size" in caplog.text
    assert workers_that_fit(1, batch, tmp_path / "absent") == 0


def test_worker_processes_need_open_files_and_locks(tmp_path, monkeypatch, caplog):
    """A tensor on its way is an open file, and a lock lies in shared memory: without either,
    batches are prepared in the main process."""
    batch = {"ids": torch.zeros(10), "labels": torch.zeros(10)}
    limits = {"now": (64 + 12, 4096)}
    monkeypatch.setattr("job.batches.data_module.resource.getrlimit", lambda which: limits["now"])
    assert workers_that_fit(2, batch, tmp_path) == 2
    limits["now"] = (64 + 11, 4096)
    assert workers_that_fit(2, batch, tmp_path) == 0
    assert "this process may have 75 open files" in caplog.text
    limits["now"] = (4096, 4096)

    def refuse():
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("job.batches.data_module.multiprocessing.Lock", refuse)
    assert workers_that_fit(2, batch, tmp_path) == 0
    assert "they cannot share a lock (Read-only file system)" in caplog.text
