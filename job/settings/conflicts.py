"""Arguments that are each fine but cannot be used together, and what to do about it.

A new rule is a line that yields a `Conflict`. Where trials may vary what it looks at, together with
another argument, `job.launch.search_space.JUDGED_TOGETHER` has to name the two.
"""

from collections.abc import Iterator
from typing import NamedTuple

from job.settings.run_settings import RunSettings

_BY_NAME = ("downstream_corpus_name", "downstream_corpus_root_dir")


class Conflict(NamedTuple):
    """`remedy` ends a sentence that begins with the arguments of these names and their values."""

    names: tuple[str, ...]
    remedy: str


def conflicts_in(s: RunSettings) -> Iterator[Conflict]:
    """The settings that cannot be used together, in the order of the messages."""
    yield from _of_corpus(s)
    yield from _of_precision(s)
    yield from _with_tpu(s)
    if s.warmup_ratio > 0 and s.lr_scheduler != "linear":
        yield Conflict(
            ("warmup_ratio", "lr_scheduler"),
            "only LR_SCHEDULER=linear has a warm-up; set it, or WARMUP_RATIO=0",
        )
    if s.long_sentences == "window" and s.window_stride >= s.max_seq_length - 2:
        yield Conflict(
            ("window_stride", "max_seq_length"),
            "WINDOW_STRIDE must be below MAX_SEQ_LENGTH - 2; lower it",
        )
    if s.pretrained_model_revision is not None and s.pretrained_model_name == "sample":
        yield Conflict(
            ("pretrained_model_revision", "pretrained_model_name"),
            "the embedded model has no revisions; leave PRETRAINED_MODEL_REVISION out",
        )


def _of_corpus(s: RunSettings) -> Iterator[Conflict]:
    said = {name for name in _BY_NAME if name in s.model_fields_set and getattr(s, name)}
    if s.downstream_corpus is not None and said:
        yield Conflict(
            ("downstream_corpus", *_BY_NAME),
            "each says where the corpus lies; leave DOWNSTREAM_CORPUS or the other out",
        )


def _of_precision(s: RunSettings) -> Iterator[Conflict]:
    if s.fp16 and s.precision not in ("auto", "16"):
        yield Conflict(("fp16", "precision"), "FP16 means PRECISION=16; leave one of the two out")
    if s.fp16 and s.accelerator == "cpu":
        yield Conflict(
            ("fp16", "accelerator"),
            "16-bit floats need a GPU; set PRECISION=auto in place of FP16",
        )
    if s.precision == "16" and s.accelerator == "cpu":
        yield Conflict(("precision", "accelerator"), "16-bit floats need a GPU; set PRECISION=auto")


def _with_tpu(s: RunSettings) -> Iterator[Conflict]:
    if s.tpu_cores > 0 and s.accelerator not in ("auto", "tpu"):
        yield Conflict(
            ("tpu_cores", "accelerator"),
            "TPU_CORES asks for a TPU; set ACCELERATOR=tpu or TPU_CORES=0",
        )
    if s.wanted_accelerator != "tpu":
        return
    if s.restarts:
        yield Conflict(
            ("restarts", "accelerator", "tpu_cores"),
            "RESTARTS starts GPUs' and CPUs' ranks again; a TPU's cores end together, so leave it "
            "out, and start the job again",
        )
    if s.fp16 or s.precision == "16":
        yield Conflict(
            ("tpu_cores", "accelerator", "precision", "fp16"),
            "a TPU has no 16-bit floats of this kind; set PRECISION=bf16 and leave FP16 out",
        )
    if s.batch_size == 0:
        yield Conflict(
            ("batch_size", "accelerator", "tpu_cores"),
            "a TPU does not tell how much memory is free; set BATCH_SIZE, per core",
        )
    if s.devices is not None:
        yield Conflict(
            ("devices", "accelerator", "tpu_cores"),
            "DEVICES counts GPUs, or ranks on a CPU; a TPU's cores are TPU_CORES: leave DEVICES "
            "out",
        )
    if s.compile:
        yield Conflict(
            ("compile", "accelerator", "tpu_cores"),
            "COMPILE is for GPUs, and a TPU always compiles; leave it out",
        )
