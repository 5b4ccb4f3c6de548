"""The plan of an epoch: which sentences a step takes."""

import errno
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from job.batches.plan import EpochPlan, EvaluationBatches, RunData, TrainingSteps, workers_that_fit
from job.batches.rows import Layout
from job.encoding.encoded import SpecialTokens, encode
from job.encoding.labels import LabelMap
from job.machine.causes import explained
from job.model.probe import probe_split
from job.sentence import Sentence

LAYOUT = Layout(SpecialTokens((2,), (3,), 0), row_length=64)


@pytest.mark.parametrize("world_size", [1, 3, 8])
def test_every_epoch_takes_every_sentence_once_on_any_number_of_devices(world_size):
    """Steps and ranks partition the sentences, differently in each epoch."""
    plan = EpochPlan(101, 4, seed=7, world_size=world_size)
    orders = [
        np.concatenate(
            [plan.sentences(e, s, r) for s in range(plan.steps) for r in range(world_size)]
        )
        for e in range(2)
    ]
    for order in orders:
        assert sorted(order.tolist()) == list(range(101))
    assert (orders[0] != orders[1]).any()


def test_a_step_is_the_same_sentences_on_one_device_as_on_several():
    """Eight devices with 4 sentences each share out the 32 that one device would take."""
    one, eight = EpochPlan(1000, 32, 7), EpochPlan(1000, 4, 7, world_size=8)
    for step in (0, 5, one.steps - 1):
        shared = [eight.sentences(2, step, rank) for rank in range(8)]
        assert sorted(one.sentences(2, step)) == sorted(np.concatenate(shared))


def test_the_order_depends_on_seed_and_epoch_alone():
    """Equal numbers, equal sentences; another seed or epoch, others."""
    first = EpochPlan(500, 8, 7).sentences(3, 4).tolist()
    assert EpochPlan(500, 8, 7).sentences(3, 4).tolist() == first
    assert EpochPlan(500, 8, 8).sentences(3, 4).tolist() != first
    assert EpochPlan(500, 8, 7).sentences(2, 4).tolist() != first


def test_a_sentence_brings_all_its_windows_into_its_step(tokenizers_by_kind):
    """A step's rows hold every wordpiece of its sentences, none dropped or deferred."""
    texts = ["김민수 " * 30, "서울", "부산에 갔다", "한국은행은 " * 20]
    split = encode(
        [Sentence(t) for t in texts],
        tokenizers_by_kind["wordpiece"],
        LabelMap(("PER",)),
        max_seq_length=16,
        stride=4,
        truncate=False,
    )
    plan = EpochPlan(len(texts), 2, 7)
    steps = TrainingSteps(split, LAYOUT, plan)
    for step in range(plan.steps):
        pieces = steps[0, step]["piece"]
        expected = [
            p
            for n in plan.sentences(0, step)
            for p in range(split.sentence_starts[n], split.sentence_starts[n + 1])
        ]
        assert sorted(pieces[pieces >= 0].tolist()) == sorted(expected)


def test_worker_processes_build_the_same_batches():
    """CPU_WORKERS changes where a batch is built and nothing else."""
    split = probe_split([3, 9, 14, 5, 8, 2, 30, 7], 100)
    steps = TrainingSteps(split, LAYOUT, EpochPlan(8, 3, 7))
    order = [(1, 1), (1, 2)]
    loader = torch.utils.data.DataLoader(steps, batch_size=None, sampler=order, num_workers=1)
    for (epoch, step), batch in zip(order, loader, strict=True):
        here = steps[epoch, step]
        assert (batch["epoch"], batch["step"]) == (epoch, step)
        assert torch.equal(batch["input_ids"], here["input_ids"])


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
    monkeypatch.setattr("job.batches.plan.WORKER_TIMEOUT_S", 1)
    data = RunData(Silent(), None, first_epoch=0, first_step=0, workers=1)
    data.trainer = SimpleNamespace(current_epoch=0)
    with pytest.raises(RuntimeError) as raised:
        next(iter(data.train_dataloader()))
    cause = explained(raised.value)
    assert cause.exit_code == 69
    assert "CPU_WORKERS=0" in str(cause)


@pytest.mark.parametrize("world_size", [1, 4])
def test_evaluation_sees_every_wordpiece_once(world_size):
    """Ranks share the windows out without padding by repetition."""
    split = probe_split([3, 9, 14, 5, 8, 2, 30, 7, 1], 100)
    seen = [
        batch["piece"][batch["piece"] >= 0]
        for rank in range(world_size)
        for batch in EvaluationBatches(split, LAYOUT, rank, world_size, windows_per_batch=2)
    ]
    assert sorted(torch.cat(seen).tolist()) == list(range(len(split.ids_P)))


def test_every_rank_has_as_many_evaluation_batches():
    """They agree after each on whether to stop; a rank may have no window in its last one."""
    split = probe_split((5,) * 5, 100)
    counts = [len(list(EvaluationBatches(split, LAYOUT, r, 4, 1))) for r in range(4)]
    assert counts == [2, 2, 2, 2]


def test_worker_processes_need_room_in_shared_memory(tmp_path, monkeypatch, caplog):
    """Where batches would not fit, they are prepared in the main process, and the log says so."""
    batch = {"ids": torch.zeros(1000, dtype=torch.int64), "epoch": 1}
    free = SimpleNamespace(free=12 * 8192)
    monkeypatch.setattr("job.batches.plan.shutil.disk_usage", lambda folder: free)
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
    monkeypatch.setattr("job.batches.plan.resource.getrlimit", lambda which: limits["now"])
    assert workers_that_fit(2, batch, tmp_path) == 2
    limits["now"] = (64 + 11, 4096)
    assert workers_that_fit(2, batch, tmp_path) == 0
    assert "this process may have 75 open files" in caplog.text
    limits["now"] = (4096, 4096)

    def refuse():
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("job.batches.plan.multiprocessing.Lock", refuse)
    assert workers_that_fit(2, batch, tmp_path) == 0
    assert "they cannot share a lock (Read-only file system)" in caplog.text
