"""Lightning's Trainer and module, told what is ours."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping

from job.checkpoints import Saves
from job.devices import Hardware
from job.encoding import decode_spans, piece_spans
from job.evaluation import score_spans
from job.model import TokenClassifier, make_schedule
from job.settings import Settings
from job.training.event_file import Curves
from job.training.preparation import Prepared

LOG_EVERY_STEPS = 50  # to TensorBoard
# Lightning's advice that does not apply: batches come ready-made, and checkpoints are ours.
INAPPLICABLE = (
    ".*does not have many workers.*",
    ".*number of training batches.*is smaller than the logging interval.*",
    ".*LeafSpec.*is deprecated.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*It is recommended to use `self.log.*sync_dist=True.*",
)


def make_trainer(
    settings: Settings,
    hardware: Hardware,
    saver: Saves,
    callbacks: list[pl.Callback],
    log_folder: Path | None,
) -> pl.Trainer:
    """Lightning's Trainer; checkpoints, sampling, progress and summary are ours."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return pl.Trainer(
        **hardware.trainer_arguments(),
        max_epochs=settings.epochs_to_train,
        accumulate_grad_batches=settings.gradient_accumulation,
        gradient_clip_val=settings.gradient_clip or None,
        callbacks=[*_early_stopping(settings), *callbacks],
        plugins=[saver, *hardware.plugins()],
        logger=Curves(log_folder) if log_folder else False,
        log_every_n_steps=LOG_EVERY_STEPS,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def inapplicable_advice_ignored() -> Iterator[None]:
    """Lightning warns of what is meant to be so here."""
    with warnings.catch_warnings():
        for message in INAPPLICABLE:
            warnings.filterwarnings("ignore", message)
        yield


def make_module(
    prepared: Prepared, settings: Settings, hardware: Hardware, steps_per_epoch: int
) -> TokenClassifier:
    """The network with its loss, optimiser and schedule."""
    accumulation = settings.gradient_accumulation
    updates = -(-steps_per_epoch // accumulation)
    prepared.network.train()
    if settings.compile:
        prepared.network.compile()
    return TokenClassifier(
        prepared.network,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        schedule=make_schedule(
            settings.lr_scheduler,
            steps_per_epoch=updates,
            total_steps=updates * settings.epochs_to_train,
            warmup_ratio=settings.warmup_ratio,
        ),
        # Lightning divides each batch's loss by the accumulation.
        loss_constant=prepared.batch_size * settings.max_seq_length,
        seed=settings.seed,
        fused_optimizer=hardware.fused_optimizer,
        validation=prepared.encoded["val"],
        score=_scorer(prepared),
        ranks=hardware.ranks(),
    )


def _scorer(prepared: Prepared) -> Callable[[np.ndarray], dict[str, float]]:
    """Label ids of the validation split → val_f1 on exact characters, val_f1_wordpiece."""
    split, label_map = prepared.encoded["val"], prepared.label_map
    sentences = prepared.splits["val"].sentences
    gold = [sentence.spans for sentence in sentences]
    gold_pieces = piece_spans(split.labels_P, split, label_map)

    def score(label_ids_P: np.ndarray) -> dict[str, float]:
        characters = decode_spans(label_ids_P, split, label_map, sentences, prepared.ends)
        pieces = piece_spans(label_ids_P, split, label_map)
        return {
            "val_f1": score_spans(gold, characters, label_map.types).micro.f1,
            "val_f1_wordpiece": score_spans(gold_pieces, pieces, label_map.types).micro.f1,
        }

    return score


def _early_stopping(settings: Settings) -> list[EarlyStopping]:
    if not settings.early_stopping_patience:
        return []
    mode, metric = settings.monitored
    patience = settings.early_stopping_patience
    return [
        EarlyStopping(
            metric,
            mode=mode,
            patience=patience,
            check_finite=False,
            check_on_train_epoch_end=False,  # before the checkpoint, which holds the verdict
        )
    ]
