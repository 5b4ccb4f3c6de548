"""The loss of an epoch over its steps, a resume and several ranks."""

import pytest
import torch

from job.errors import DataError
from job.model.loss_meter import LossMeter
from job.ranks import OneRank


class OfSeveral(OneRank):
    """A rank among others, whose answers are given."""

    def __init__(self, largest=(), total=None):
        self.answers, self.others = list(largest), total

    def largest(self, number):
        return max(number, self.answers.pop(0))

    def total(self, tensor):
        return tensor + self.others


def add(meter, loss, count, step, epoch=0):
    meter.add(torch.tensor(float(loss)), torch.tensor(count), epoch, step)


def test_the_mean_goes_on_from_before_a_resume_and_the_progress_line_does_not():
    """The epoch's mean counts what was carried; what is shown begins with the resume."""
    meter = LossMeter(OneRank(), 1e-3)
    meter.carried = torch.tensor([30.0, 10.0])
    meter.start_epoch()
    add(meter, 8, 2, 5)
    assert meter.recent() == 4.0
    add(meter, 10, 2, 6)
    assert meter.recent() == 5.0
    assert meter.mean() == 48 / 14
    meter.start_epoch()
    assert meter.mean() == meter.recent() == 0.0


def test_the_mean_is_that_of_all_ranks():
    """Sums are added, not means: a rank with more wordpieces weighs more."""
    meter = LossMeter(OfSeveral(total=torch.tensor([1.0, 30.0])), 1e-3)
    add(meter, 19, 10, 0)
    assert meter.mean() == 0.5


def test_the_mean_does_not_tell_where_two_ranks_went_on():
    """A save gives the first one the losses of both; the mean is the same to the last bit."""
    losses = torch.rand(400, generator=torch.Generator().manual_seed(1)) * 50
    means = set()
    for saved_at in (0, 37, 150):
        ranks = [LossMeter(OneRank(), 1e-3) for _ in range(2)]
        for number, loss in enumerate(losses):
            if number == 2 * saved_at:
                ranks[0].carried = ranks[0].epoch + ranks[1].epoch
                for rank in ranks:
                    rank.start_epoch()
            add(ranks[number % 2], loss, 9, number // 2)
        means.add(((ranks[0].epoch + ranks[1].epoch)[0] / 3600).item())
    assert len(means) == 1


NEVER = 2**31 - 1


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ([0, 0], "epoch 3, step 6,"),  # no other rank had one
        ([NEVER - 1, NEVER - 9], "epoch 2, step 10,"),  # in an earlier epoch
        ([NEVER - 2, NEVER - 4], "epoch 3, step 5,"),  # in an earlier step
        ([NEVER - 2, NEVER - 7], "epoch 3, step 6,"),  # in a later step
    ],
)
def test_the_first_bad_step_of_all_ranks_is_named(others, named):
    """Epoch and step each go through 32 bits; a later bad step is not the one to look at."""
    meter = LossMeter(OfSeveral(others), 1e-3)
    for step in (4, 5, 6):
        add(meter, "nan" if step > 4 else 1, 3, step, epoch=2)
    with pytest.raises(DataError, match=named):
        meter.refuse_bad()


def test_another_ranks_bad_step_stops_this_one():
    """A rank whose own losses are numbers raises with the others."""
    meter = LossMeter(OfSeveral([NEVER - 0, NEVER - 2]), 1e-3)
    add(meter, 1, 3, 2)
    with pytest.raises(DataError, match="epoch 1, step 3,"):
        meter.refuse_bad()
