"""`tests.tpu.virtual` with one fault, named by BREAK, on the third core."""

import os
import sys

from job.batches import training
from job.errors import DataError
from job.model import classifier
from job.training import loop
from tests.tpu import virtual  # noqa: F401 - puts the virtual cores in place

RANK = 2
_rows, _training_step = training.TrainingSteps.__getitem__, classifier.TokenClassifier.training_step
_refuse = loop.refuse_different_plans


def data_error(self, batch_of_step, batch_idx):
    if self.ranks.rank == RANK and batch_of_step["step"] == 2:
        raise DataError("train.txt:7: this line is broken; mend it.")
    return _training_step(self, batch_of_step, batch_idx)


def death(self, batch_of_step, batch_idx):
    if self.ranks.rank == RANK and batch_of_step["step"] == 2:
        os._exit(9)
    return _training_step(self, batch_of_step, batch_idx)


def other_shape(self, epoch_and_step):
    rows = _rows(self, epoch_and_step)
    if self.rank == RANK and epoch_and_step == (0, 2):
        rows["input_ids"] = rows["input_ids"][:, :-1]
    return rows


def other_plan(ranks, rows_ES, layout):
    _refuse(ranks, rows_ES + (ranks.rank == RANK), layout)


match os.environ["BREAK"]:
    case "data error":
        classifier.TokenClassifier.training_step = data_error
    case "death":
        classifier.TokenClassifier.training_step = death
    case "other shape":
        training.TrainingSteps.__getitem__ = other_shape
    case "other plan":
        loop.refuse_different_plans = other_plan

if __name__ == "__main__":
    from job.__main__ import main

    sys.exit(main(sys.argv[1:]))
