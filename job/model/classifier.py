"""The model as Lightning trains it: loss over real wordpieces, optimiser, schedule, validation.

Shape legend:

    R rows, L positions of a row, C label ids, P wordpieces of a split
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import pytorch_lightning as pl
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from job.batches import IGNORED_LABEL, Batch, EvaluationBatches, Layout, to_device
from job.encoding import OUTSIDE_ID, EncodedSplit
from job.errors import DataError
from job.ranks import OneRank, Ranks
from job.seed import step_seed

EPOCH_DECAY = 0.9  # ExponentialLR's gamma in the tutorial
ADAM_EPSILON = 1e-6  # the tutorial's optimiser
NETWORK_INPUTS: Final = ("input_ids", "attention_mask", "position_ids")
EPOCH_STRIDE = 10**9  # more than an epoch has steps


def logits_of(network: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """logits_RLC, float32."""
    arguments = {name: batch[name] for name in NETWORK_INPUTS if name in batch}
    return network(**arguments).logits.float()


def summed_loss(logits_RLC: torch.Tensor, labels_RL: torch.Tensor) -> torch.Tensor:
    """Cross-entropy summed over the scored wordpieces, in nats."""
    return cross_entropy(
        logits_RLC.flatten(0, 1), labels_RL.flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
    )


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
        self.epoch_loss = torch.zeros(2)  # summed loss and wordpieces of this epoch
        self.carried_loss = torch.zeros(2)  # the same of the part before a resume
        self.told_loss = (0.0, 0.0)  # the same when the progress line last read it
        self.first_bad_step = torch.tensor([-1])
        # Label ids on the device and where they belong: read when all have been computed.
        self.predictions: list[tuple[torch.Tensor, torch.Tensor]] = []

    def on_train_epoch_start(self) -> None:
        self.epoch_loss, self.carried_loss = self.carried_loss, torch.zeros(2)
        self.told_loss = tuple(self.epoch_loss.tolist())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        self.ranks.seed(step_seed(self.seed, batch["epoch"], batch["step"], self.ranks.rank))

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        summed = summed_loss(logits_of(self.network, batch), batch["labels"])
        seen = torch.stack([summed.detach(), (batch["labels"] != IGNORED_LABEL).sum()])
        self.epoch_loss = self.epoch_loss.to(self.device) + seen
        self._note_bad_loss(summed.detach(), batch["epoch"] * EPOCH_STRIDE + batch["step"])
        return summed / self.loss_constant

    def _note_bad_loss(self, loss: torch.Tensor, step: int) -> None:
        """Keeps the first step whose loss is not finite on the device: no wait in each step."""
        bad = self.first_bad_step.to(self.device)
        is_first = (bad < 0) & ~torch.isfinite(loss)
        # To XLA the numbers 0 and 1 are part of the graph; a tensor with a dimension never is.
        self.first_bad_step = torch.where(is_first, torch.tensor([step]).to(self.device), bad)

    def refuse_bad_loss(self) -> None:
        """Raises DataError, naming the step, when a loss of any rank was NaN or infinite."""
        bad, never = int(self.first_bad_step), 2**31 - 1
        mine = divmod(bad, EPOCH_STRIDE) if bad >= 0 else (never, never)
        epoch = never - self.ranks.largest(never - mine[0])
        if epoch < never:
            is_first = mine[0] == epoch
            step = never - self.ranks.largest(never - mine[1] if is_first else 0)
            raise DataError(
                f"The loss is not a number at epoch {epoch + 1}, step {step + 1}, and nothing was "
                f"saved after it; lower LEARNING_RATE={self.learning_rate:g} or set PRECISION=32."
            )

    def take_recent_loss(self) -> float:
        """Mean loss per real wordpiece since the last call."""
        (summed, count), (told, of) = self.epoch_loss.tolist(), self.told_loss
        self.told_loss = (summed, count)
        return (summed - told) / max(count - of, 1.0)

    def on_validation_epoch_start(self) -> None:
        self.predictions = []
        self.validation_loss = torch.zeros(2).to(self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        logits_RLC = logits_of(self.network, batch)
        count = (batch["labels"] != IGNORED_LABEL).sum()
        self.validation_loss += torch.stack([summed_loss(logits_RLC, batch["labels"]), count])
        self.predictions.append((likeliest(logits_RLC), batch["piece"]))

    def on_validation_epoch_end(self) -> None:
        self.refuse_bad_loss()
        predicted_P = np.full(len(self.validation.ids_P), OUTSIDE_ID, np.int16)
        for label_RL, piece_RL in self.predictions:
            take_predictions(predicted_P, label_RL, piece_RL)
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
        train_loss, train_count = self.ranks.total(self.epoch_loss).tolist()
        metrics |= self.score(predicted_P) | {"train_loss": train_loss / max(train_count, 1.0)}
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

    def configure_optimizers(self) -> dict:
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


def make_schedule(
    name: str, *, steps_per_epoch: int, total_steps: int, warmup_ratio: float
) -> Callable[[int], float]:
    """The factor of the learning rate at each optimiser step: a function of the step alone."""
    warmup_steps = math.ceil(total_steps * warmup_ratio)

    def exponential(step: int) -> float:
        return EPOCH_DECAY ** (step // steps_per_epoch)

    def linear(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))

    return {"exponential": exponential, "linear": linear, "constant": lambda step: 1.0}[name]


def likeliest(logits_RLC: torch.Tensor) -> torch.Tensor:
    """label_RL, int16, on the same device."""
    return logits_RLC.argmax(-1).to(torch.int16)


def take_predictions(
    predicted_P: np.ndarray, label_RL: torch.Tensor, piece_RL: torch.Tensor
) -> None:
    """Writes the label of every scored position into `predicted_P`."""
    label_RL, piece_RL = label_RL.cpu().numpy(), piece_RL.cpu().numpy()
    real_RL = piece_RL >= 0
    predicted_P[piece_RL[real_RL]] = label_RL[real_RL]


@torch.inference_mode()
def predict_labels(
    network: PreTrainedModel,
    split: EncodedSplit,
    layout: Layout,
) -> tuple[np.ndarray, float]:
    """Label ids of every wordpiece of the split, and the mean loss per scored wordpiece.

    A wordpiece that no window scores (LONG_SENTENCES=truncate) is O. The network stays where it is
    and is left in evaluation mode.
    """
    network.eval()
    predicted_P = np.full(len(split.ids_P), OUTSIDE_ID, np.int16)
    summed, count = 0.0, 0
    for batch in EvaluationBatches(split, layout):
        on_device = to_device(batch, network.device)
        logits_RLC = logits_of(network, on_device)
        summed += summed_loss(logits_RLC, on_device["labels"]).item()
        count += int((batch["labels"] != IGNORED_LABEL).sum())
        take_predictions(predicted_P, likeliest(logits_RLC), batch["piece"])
    return predicted_P, summed / max(count, 1)
