"""Every window of a split once, whatever the ranks and shapes."""

import numpy as np
import pytest
import torch

from job.batches.evaluation import EvaluationBatches, EvaluationRows
from job.batches.rows import Layout
from job.encoding.encoded import SpecialTokens
from job.encoding.windows import encode
from job.model.probe import probe_split
from job.sentence import Sentence
from tests.support.tiny import LABELS, make_tokenizer

LAYOUT = Layout(SpecialTokens((2,), (3,), 0), row_length=64)
LENGTHS = np.random.default_rng(3).integers(1, 62, 203).tolist()


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


@pytest.mark.parametrize("kind", [EvaluationBatches, EvaluationRows])
def test_all_windows_of_a_sentence_go_to_one_rank(kind, tmp_path):
    """Which alone can then tell the likeliest valid tags of the whole sentence."""
    texts = [Sentence("가 나 다 " * count) for count in (9, 1, 4, 7, 1, 1, 5, 2)]
    tokenizer = make_tokenizer(tmp_path)
    split = encode(texts, tokenizer, LABELS, max_seq_length=8, stride=2, truncate=False)
    ranks_of = [set() for _ in texts]
    for rank in range(3):
        for batch in kind(split, LAYOUT, rank, 3):
            pieces_P = batch["piece"][batch["piece"] >= 0].numpy()
            for n in np.searchsorted(split.sentence_starts, pieces_P, side="right") - 1:
                ranks_of[n].add(rank)
    assert [len(ranks) for ranks in ranks_of] == [1] * len(texts)
    assert set.union(*ranks_of) == {0, 1, 2}


def test_every_rank_has_as_many_evaluation_batches():
    """They agree after each on whether to stop; a rank may have no window in its last one."""
    split = probe_split((5,) * 5, 100)
    counts = [len(list(EvaluationBatches(split, LAYOUT, r, 4, 1))) for r in range(4)]
    assert counts == [2, 2, 2, 2]


@pytest.mark.parametrize("world_size", [1, 2, 8])
def test_validation_sees_every_wordpiece_once_in_one_shape(world_size):
    """Ranks have as many batches each, though the last ones are not full."""
    split = probe_split(LENGTHS, 100)
    ranks = [EvaluationRows(split, LAYOUT, rank, world_size) for rank in range(world_size)]
    batches = [batch for rank in ranks for batch in rank]
    assert len({len(rank) for rank in ranks}) == 1
    assert len({batch["input_ids"].shape for batch in batches}) == 1
    seen = torch.cat([batch["piece"][batch["piece"] >= 0] for batch in batches])
    assert sorted(seen.tolist()) == list(range(len(split.ids_P)))
