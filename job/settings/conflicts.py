"""Arguments that are each fine but cannot be used together, and what to do about it."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Combination(NamedTuple):
    names: tuple[str, ...]
    is_bad: Callable[[Any], bool]  # of the settings
    remedy: str


def _asks_for_tpu(s: Any) -> bool:
    return s.tpu_cores > 0 or s.accelerator == "tpu"


COMBINATIONS = (
    Combination(
        ("fp16", "precision"),
        lambda s: s.fp16 and s.precision not in ("auto", "16"),
        "FP16 means PRECISION=16; leave one of the two out",
    ),
    Combination(
        ("fp16", "accelerator"),
        lambda s: s.fp16 and s.accelerator == "cpu",
        "16-bit floats need a GPU; set PRECISION=auto in place of FP16",
    ),
    Combination(
        ("precision", "accelerator"),
        lambda s: s.precision == "16" and s.accelerator == "cpu",
        "16-bit floats need a GPU; set PRECISION=auto",
    ),
    Combination(
        ("tpu_cores", "accelerator"),
        lambda s: s.tpu_cores > 0 and s.accelerator not in ("auto", "tpu"),
        "TPU_CORES asks for a TPU; set ACCELERATOR=tpu or TPU_CORES=0",
    ),
    Combination(
        ("tpu_cores", "accelerator", "precision", "fp16"),
        lambda s: _asks_for_tpu(s) and (s.fp16 or s.precision == "16"),
        "a TPU has no 16-bit floats of this kind; set PRECISION=bf16 and leave FP16 out",
    ),
    Combination(
        ("batch_size", "accelerator", "tpu_cores"),
        lambda s: _asks_for_tpu(s) and s.batch_size == 0,
        "a TPU does not tell how much memory is free; set BATCH_SIZE, per core",
    ),
    Combination(
        ("compile", "accelerator", "tpu_cores"),
        lambda s: _asks_for_tpu(s) and s.compile,
        "COMPILE is for GPUs, and a TPU always compiles; leave it out",
    ),
    Combination(
        ("warmup_ratio", "lr_scheduler"),
        lambda s: s.warmup_ratio > 0 and s.lr_scheduler != "linear",
        "only LR_SCHEDULER=linear has a warm-up; set it, or WARMUP_RATIO=0",
    ),
    Combination(
        ("window_stride", "max_seq_length"),
        lambda s: s.long_sentences == "window" and s.window_stride >= s.max_seq_length - 2,
        "WINDOW_STRIDE must be below MAX_SEQ_LENGTH - 2; lower it",
    ),
    Combination(
        ("pretrained_model_revision", "pretrained_model_name"),
        lambda s: s.pretrained_model_revision is not None and s.pretrained_model_name == "sample",
        "the embedded model has no revisions; leave PRETRAINED_MODEL_REVISION out",
    ),
)
