"""The graphs that a TPU compiles: one a batch, each shape once, and counted."""

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytorch_lightning as pl
import torch

if TYPE_CHECKING:
    from job.batches import Batch

logger = logging.getLogger(__name__)


class GraphBoundaries(pl.Callback):
    """One graph a batch: synchronises after each, and tells what was compiled.

    Must come before callbacks that read tensors: reading one of a pending graph computes its part
    of the graph alone, and later all of it again. `rows_ES` and `row_length` are the shapes that
    the ranks agreed on: with another one a rank would wait for the others for ever.
    """

    def __init__(self, rows_ES: np.ndarray, row_length: int) -> None:
        self.rows_ES, self.row_length = rows_ES, row_length
        self.compiled = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """AdamW's moments, made now: made by the first step they would be a graph of their own."""
        import torch_xla

        for optimizer in trainer.optimizers:
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                optimizer.state[parameter] = {
                    "step": torch.tensor(0.0),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        torch_xla.sync()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: "Batch", batch_idx: int
    ) -> None:
        shape = tuple(batch["input_ids"].shape)
        planned = (int(self.rows_ES[batch["epoch"], batch["step"]]), self.row_length)
        if shape != planned:
            raise RuntimeError(
                f"core {trainer.global_rank}, epoch {batch['epoch'] + 1}, step "
                f"{batch['step'] + 1}: a batch of {shape} where the cores planned {planned}"
            )

    def on_train_batch_end(self, *_: object) -> None:
        import torch_xla

        torch_xla.sync()

    def on_validation_batch_end(self, *_: object) -> None:
        import torch_xla

        torch_xla.sync()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        compiled, seconds, large = compilations()
        if trainer.is_global_zero and compiled > self.compiled:
            logger.info(
                "XLA compiled %d graphs so far, in %.1f s, %d of them large (epoch %d).",
                *(compiled, seconds, large, trainer.current_epoch + 1),
            )
        self.compiled = compiled


def compilations() -> tuple[int, float, int]:
    """The graphs that this process has compiled, the seconds that it took, and the number of those
    that took a quarter of the longest or more."""
    import torch_xla.debug.metrics as met

    count, nanoseconds, samples = met.metric_data("CompileTime") or (0, 0.0, [])
    longest = max((took for _, took in samples), default=0)
    return count, nanoseconds / 1e9, sum(took >= longest / 4 for _, took in samples)
