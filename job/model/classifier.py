"""The model as Lightning trains it: loss over real wordpieces, optimiser, validation.

Shape legend:

    R rows, L positions of a row, C label ids, P wordpieces of a split
"""

import math
from collections.abc import Callable

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from transformers import PreTrainedModel

from job.batches import IGNORED_LABEL, Batch
from job.encoding import OUTSIDE_ID, EncodedSplit
from job.errors import DataError
from job.model.head import head_of, logits_of
from job.model.inference import Decoder
from job.model.loss_meter import LossMeter
from job.ranks import OneRank, Ranks
from job.seed import step_seed

ADAM_EPSILON = 1e-6  # the tutorial's optimiser


class TokenClassifier(pl.LightningModule):
    """Trains a token-classification network on packed rows.

    The training loss is the sum over the real wordpieces of the step divided by the constant
    `loss_constant` (sentences × positions of a step on one device, accumulation included), so a
    wordpiece weighs the same in every step and on any number of devices. What people are shown is
    the mean per real wordpiece. `score` turns the predicted label ids of the validation split into
    metrics to log.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        *,
        learning_rate: float,
        weight_decay: float,
        schedule: Callable[[int], float],
        loss_constant: float,
        seed: int,
        fused_optimizer: bool,
        validation: EncodedSplit,
        score: Callable[[np.ndarray], dict[str, float]],
        ranks: Ranks | None = None,
    ):
        super().__init__()
        self.network = network
        self.learning_rate, self.weight_decay, self.schedule = learning_rate, weight_decay, schedule
        self.loss_constant, self.seed, self.fused_optimizer = loss_constant, seed, fused_optimizer
        self.validation, self.score = validation, score
        self.ranks: Ranks = ranks or OneRank()
        self.head = head_of(network.config)
        self.losses = LossMeter(self.ranks, learning_rate)
        self.decoder = Decoder(validation)

    def on_train_epoch_start(self) -> None:
        self.losses.start_epoch()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        self.ranks.seed(step_seed(self.seed, batch["epoch"], batch["step"], self.ranks.rank))

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        summed = self.head.summed_loss(logits_of(self.network, batch), batch)
        count = (batch["labels"] != IGNORED_LABEL).sum()
        self.losses.add(summed.detach(), count, batch["epoch"], batch["step"])
        return summed / self.loss_constant

    def on_validation_epoch_start(self) -> None:
        self.decoder = Decoder(self.validation)
        self.validation_loss = torch.zeros(2).to(self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        logits_RLC = logits_of(self.network, batch)
        count = (batch["labels"] != IGNORED_LABEL).sum()
        self.validation_loss += torch.stack([self.head.summed_loss(logits_RLC, batch), count])
        self.decoder.take(self.head.scores(logits_RLC, batch), batch["piece"])

    def on_validation_epoch_end(self) -> None:
        self.losses.refuse_bad()
        predicted_P = self.decoder.labels()
        # What other ranks predicted is OUTSIDE_ID here.
        here_P = torch.from_numpy(predicted_P - np.int16(OUTSIDE_ID)).int()
        predicted_P = self.ranks.total(here_P).numpy().astype(np.int16) + np.int16(OUTSIDE_ID)
        summed, count = self.ranks.total(self.validation_loss).tolist()
        if not math.isfinite(summed):
            raise DataError(
                f"The loss on val is not a number after epoch {self.trainer.current_epoch + 1}; "
                f"nothing of it was saved; lower LEARNING_RATE={self.learning_rate:g}."
            )
        right = float((predicted_P == self.validation.labels_P).mean())
        metrics = {"val_loss": summed / max(count, 1.0), "val_accuracy": right}
        metrics |= self.score(predicted_P) | {"train_loss": self.losses.mean()}
        # Tensors of the host: numbers would go to the device and wait there for being read.
        self.log_dict({name: torch.tensor(value) for name, value in metrics.items()}, batch_size=1)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Lightning's own refuses every fused optimizer, also where no scaler is in the way."""
        if gradient_clip_val:
            torch.nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW; weight decay, where asked for, spares biases and LayerNorm."""
        decayed = [p for p in self.parameters() if p.requires_grad and p.ndim > 1]
        spared = [p for p in self.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.weight_decay},
            {"params": spared, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(
            groups, lr=self.learning_rate, eps=ADAM_EPSILON, fused=self.fused_optimizer
        )
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self.schedule)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
