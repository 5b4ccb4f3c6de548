"""The batches of training: a step's windows, on whichever rank and in whichever process."""

import numpy as np
import pytest
import torch

from job.batches.plan import EpochPlan
from job.batches.rows import Layout
from job.batches.training import TrainingSteps
from job.encoding.encoded import SpecialTokens
from job.encoding.labels import LabelMap
from job.encoding.windows import encode
from job.model.probe import probe_split
from job.sentence import Sentence

LAYOUT = Layout(SpecialTokens((2,), (3,), 0), row_length=64)


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


@pytest.mark.parametrize("world_size", [2, 8])
def test_the_ranks_of_a_step_have_about_as_many_wordpieces(world_size):
    """Each window goes to one rank, and none has more than another without its shortest window."""
    lengths = np.random.default_rng(5).integers(1, 60, 300)
    split = probe_split(lengths.tolist(), 100)
    plan = EpochPlan(300, 8, 7, world_size)
    steps = TrainingSteps(split, LAYOUT, plan)
    for step in range(plan.steps):
        shares = steps.shares((0, step))
        loads = [lengths[share].sum() for share in shares]
        fullest = lengths[shares[int(np.argmax(loads))]]
        assert fullest.sum() - fullest.min() <= min(loads)
        taken = np.concatenate([plan.sentences(0, step, rank) for rank in range(world_size)])
        assert sorted(window for share in shares for window in share) == sorted(taken)
