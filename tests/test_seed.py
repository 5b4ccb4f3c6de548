"""What is drawn follows from SEED and from numbers that count, today as in earlier versions."""

from job.seed import order_of_epoch, step_seed


def test_the_seeds_are_those_of_earlier_versions():
    """A run that another version began goes on with the same sentences and the same dropout."""
    assert order_of_epoch(10, 7, 0).tolist() == [8, 0, 7, 1, 3, 6, 2, 4, 5, 9]
    assert order_of_epoch(10, 7, 1).tolist() == [9, 0, 8, 6, 7, 1, 3, 4, 2, 5]
    assert step_seed(7, 0, 0, 0) == 8460147692890830636
    assert step_seed(7, 2, 5, 3) == 7582744445662797316
