"""The seeds of a run: everything that is drawn is a function of SEED and of numbers that count.

A resumed run therefore draws what an uninterrupted one would have drawn, without stored state.
"""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=2)
def order_of_epoch(sentence_count: int, seed: int, epoch: int) -> np.ndarray:
    """The indices of all sentences in the order in which an epoch, counted from 0, takes them."""
    return np.random.default_rng((seed, epoch)).permutation(sentence_count)


def step_seed(seed: int, epoch: int, step: int, rank: int) -> int:
    """The seed of one step's dropout on one rank; epoch and step count from 0."""
    numbers = (seed, epoch, step, rank)
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
