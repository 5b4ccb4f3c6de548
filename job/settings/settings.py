"""One frozen, validated value for everything that a run can be told.

`job.settings.parsing` collects what the user said and where; here is what may be said. Constructing
`Settings` reads nothing but its keyword arguments (and HOME, for the cache folder's default), so a
test or a notebook gets what it wrote.
The order of the fields is that of `--help`; a field with a `group` starts one.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from job.settings.conflicts import Conflict, conflicts_in
from job.settings.field_types import SAMPLE_DEFAULTS, EmptyIsNone, OutputLocation, in_help
from job.settings.run_settings import RunSettings


class Settings(RunSettings):
    """Raises pydantic.ValidationError; `job.settings.parsing.parse` turns it into sentences."""

    takes: ClassVar[frozenset[str] | None] = None  # the fields of a command that takes but a few

    @classmethod
    def taken(cls) -> dict[str, FieldInfo]:
        """The fields that the command takes."""
        fields = cls.model_fields.items()
        return {name: field for name, field in fields if cls.takes is None or name in cls.takes}

    def conflicts(self) -> list[Conflict]:
        """Arguments that are each fine but cannot be used together."""
        return list(conflicts_in(self))

    def public_values(self) -> dict[str, Any]:
        """Every field but the secrets, as JSON values: to be hashed, logged or written."""
        return self.model_dump(mode="json", exclude=set(SECRETS))

    @property
    def is_sample(self) -> bool:
        """Whether the corpus is the embedded one."""
        return _is_sample(vars(self))

    @model_validator(mode="before")
    @classmethod
    def _apply_sample_preset(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**SAMPLE_DEFAULTS, **given} if _is_sample(given) else given


def _is_sample(values: Mapping[str, Any]) -> bool:
    elsewhere = values.get("downstream_corpus") or values.get("downstream_corpus_root_dir")
    return values.get("downstream_corpus_name") == "sample" and not elsewhere


SECRETS = tuple(
    name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
)


# A variable of such a name is likely another program's.
FLAG_ONLY = frozenset({"to", "output"})
# The names of job.corpus.writers.table.WRITERS.
Target = Literal["jsonl", "tutorial", "klue", "conll", "label-studio", "parquet", "doccano"]


# What says how several ranks train together: the other commands compute on one device.
_RANKS = frozenset({"devices", "restarts", "step_timeout_s"})


class PredictSettings(Settings):
    """All of the job's but those of ranks, and the shape of OUT."""

    takes: ClassVar[frozenset[str] | None] = frozenset(Settings.model_fields) - _RANKS | {"to"}
    to: Annotated[Target | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("by the ending of OUT: .jsonl, else the tutorial's lines"),
        description="shape of OUT; label-studio and doccano import it to be corrected by hand",
    )


# How a corpus is read, and how a store is reached.
_READING = frozenset(
    {
        *("corpus_fields", "types_map", "types_only", "nested", "normalize"),
        *("max_rejected_ratio", "force_download", "max_download_mb", "cache_dir"),
        *("hf_token", "hf_token_secret", "storage_timeout_s", "storage_deadline_s"),
        "log_format",
    }
)


class ConvertSettings(Settings):
    """Those that say how a corpus is read, how a store is reached, and the shape of OUT."""

    takes: ClassVar[frozenset[str] | None] = _READING | {"to"}
    to: Annotated[Target | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("by the ending of OUT; in a folder jsonl"),
        description="shape of OUT: .jsonl, .txt (the tutorial's), .tsv (klue), .conll, .json "
        "(label-studio) and .parquet say it by themselves",
    )


class EvaluateSettings(Settings):
    """Those that say how a corpus is read, with which model it is tagged, and where the report
    goes."""

    takes: ClassVar[frozenset[str] | None] = _READING | {
        *("downstream_model_dir", "accelerator", "max_seq_length", "window_stride", "output"),
        "report_language",
    }
    output: OutputLocation = Field(
        "./evaluation",
        description="folder in which report/ is written: path or URL",
    )
