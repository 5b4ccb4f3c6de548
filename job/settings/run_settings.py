"""The arguments that say what is trained, on what, how, and where the output goes."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from job.settings.corpus_settings import CorpusSettings
from job.settings.field_types import (
    Devices,
    EmptyIsNone,
    Location,
    OutputLocation,
    Resume,
    SecretName,
    TpuCores,
    default_batch_size,
    default_window_stride,
    in_help,
)


class RunSettings(CorpusSettings):
    """The other groups of `job.settings.settings.Settings`, after that of the corpus."""

    pretrained_model_name: Location = Field(
        "beomi/kcbert-base",
        json_schema_extra=in_help(group="Model"),
        description="name on the Hugging Face hub, or path or URL of a model folder; 'sample' is "
        "the embedded tiny model",
    )
    pretrained_model_revision: Annotated[str | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("the newest"),
        description="commit, tag or branch on the hub",
    )
    hf_token: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None,
        description="token for private models on the hub; a secret: taken from the environment or "
        ".env only, never shown",
    )
    hf_token_secret: Annotated[SecretName | None, EmptyIsNone] = Field(
        None,
        description="the same token in Secret Manager, read at the start: "
        "projects/PROJECT/secrets/NAME[/versions/VERSION]",
    )
    max_seq_length: int = Field(
        64, ge=4, le=32768, description="wordpieces in a window, [CLS] and [SEP] included"
    )
    long_sentences: Literal["window", "truncate"] = Field(
        "window",
        description="longer sentences are cut into overlapping windows, or truncated as in the "
        "tutorial, with a count of what was lost",
    )
    window_stride: int = Field(
        default_factory=default_window_stride,
        ge=0,
        json_schema_extra=in_help("16, less where MAX_SEQ_LENGTH is below 34"),
        description="wordpieces that neighbouring windows share; below MAX_SEQ_LENGTH - 2",
    )

    downstream_model_dir: OutputLocation = Field(
        "./output",
        json_schema_extra=in_help("./output; on Vertex AI its base directory", "Output"),
        description="path or URL of the folder for checkpoints, model, report and logs",
    )
    save_top_k: int = Field(1, ge=1, le=1000, description="number of checkpoints kept: the best")
    monitor: Literal["min val_loss", "max val_f1", "max val_f1_wordpiece", "max val_accuracy"] = (
        Field(
            "max val_f1",
            description="what makes a checkpoint the best; val_f1 is entity F1 (micro) on exact "
            "characters. min val_loss, the tutorial's, exported the worse model each time both "
            "were measured: F1 0.943 against 0.950 on the sample, 0.317 against 0.338 and 0.368 "
            "against 0.378 on KMOU",
        )
    )
    save_every_steps: int = Field(
        0, ge=0, description="steps between checkpoints within an epoch; 0 = at its end only"
    )
    resume: Resume = Field(
        "auto",
        description="'auto' goes on from the newest good checkpoint in the output, 'never' starts "
        "anew, a path or URL names a checkpoint",
    )
    max_attempts: int = Field(
        5,
        ge=0,
        le=10_000,
        description="starts in a row that may fail or be killed without a new checkpoint; then the "
        "run is refused; 0 = no limit",
    )
    storage_timeout_s: float = Field(
        60, ge=1, le=3600, description="seconds without an answer after which a request has failed"
    )
    storage_deadline_s: float = Field(
        300,
        ge=1,
        le=86400,
        description="seconds since the last byte for which a failing store is tried again",
    )
    report_language: Literal["auto", "en", "ko"] = Field(
        "auto",
        description="language of the report's page: English, Korean, or 'auto': Korean where most "
        "letters of val are Hangul",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="'auto' is JSON lines on Vertex AI and text elsewhere"
    )
    log_every_s: float = Field(
        10, gt=0, le=86400, description="seconds between progress lines where there is no terminal"
    )
    price_per_hour: float = Field(
        0, ge=0, description="US dollars an hour of the machine, to show the cost; 0 = unknown"
    )

    accelerator: Literal["auto", "cpu", "gpu", "tpu"] = Field(
        "auto", json_schema_extra=in_help(group="Hardware"), description="what to train on"
    )
    devices: Devices = Field(
        None,
        json_schema_extra=in_help("all GPUs of the machine; on a CPU 1"),
        description="GPUs, or ranks on a CPU, of each machine: one rank trains on each",
    )
    tpu_cores: TpuCores = Field(
        0, description="TPU cores: 1, or all of them (8 or 4); 0 = all where ACCELERATOR=tpu"
    )
    fp16: bool = Field(False, description="the tutorial's name for PRECISION=16")
    precision: Literal["auto", "32", "bf16", "16"] = Field(
        "auto", description="bits of the arithmetic; 'auto' is bf16 where the hardware has it"
    )
    compile: bool = Field(
        False, description="compile the model: minutes at the start, faster steps on a GPU"
    )
    cpu_workers: int = Field(
        0, ge=0, le=256, description="number of processes that prepare batches; 0 = none"
    )
    restarts: int = Field(
        0,
        ge=0,
        le=1000,
        description="how often the ranks are started again, from the newest checkpoint, after a "
        "failure that may pass (69, 70, 74) or a kill; above 0, a lost machine is waited for 15 "
        "minutes",
    )
    step_timeout_s: float = Field(
        600,
        ge=1,
        le=86400,
        description="seconds without progress after which a step has hung, and the run ends with "
        "69",
    )

    batch_size: int = Field(
        default_factory=default_batch_size,
        ge=0,
        le=65536,
        json_schema_extra=in_help("32; on a TPU 4", "Training"),
        description="sentences per device (or TPU core) and step; 0 = the largest that fits",
    )
    learning_rate: float = Field(5e-5, gt=0, le=1, description="highest step size of AdamW")
    epochs: int = Field(3, ge=1, le=100_000, description="passes over the training split")
    seed: int = Field(7, ge=0, lt=2**32, description="number from which all randomness follows")
    lr_scheduler: Literal["exponential", "linear", "constant"] = Field(
        "exponential",
        description="how the learning rate falls: by a tenth each epoch, linearly to 0, or not at "
        "all",
    )
    warmup_ratio: float = Field(
        0, ge=0, lt=1, description="share of the steps in which the rate rises from 0; linear only"
    )
    weight_decay: float = Field(0, ge=0, le=1, description="AdamW's decay of weights, per step")
    gradient_accumulation: int = Field(
        1, ge=1, le=4096, description="batches whose gradients are added up before each step"
    )
    gradient_clip: float = Field(1, ge=0, description="largest norm of the gradient; 0 = no limit")
    entity_ends: bool = Field(
        True,
        description="where inside of a wordpiece an entity ends is looked up in a table counted "
        "from train; false = entities end with a wordpiece, as in the tutorial",
    )
    early_stopping_patience: int = Field(
        0, ge=0, description="epochs without a better MONITOR before training stops; 0 = never"
    )
    test_mode: bool = Field(
        False, description="one epoch on 64 sentences of each split, to try everything"
    )

    @property
    def monitored(self) -> tuple[str, str]:
        """MONITOR as ('min' or 'max', metric)."""
        mode, metric = self.monitor.split()
        return mode, metric

    @property
    def wanted_precision(self) -> str:
        return "16" if self.fp16 else self.precision

    @property
    def wanted_accelerator(self) -> str:
        return "tpu" if self.tpu_cores else self.accelerator

    @property
    def epochs_to_train(self) -> int:
        return 1 if self.test_mode else self.epochs

    @property
    def sizes(self) -> str:
        """The arguments that the memory of a step depends on, for people."""
        return f"BATCH_SIZE={self.batch_size}, MAX_SEQ_LENGTH={self.max_seq_length}"
