"""The arguments of `predict` and `convert`: those of the job that they take, and --to."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from job.settings.field_types import EmptyIsNone, in_help
from job.settings.settings import Settings

# The names of job.corpus.writers.table.WRITERS.
Target = Literal["jsonl", "tutorial", "klue", "conll", "label-studio", "parquet", "doccano"]


class PredictSettings(Settings):
    """All of the job's, and the shape of OUT."""

    to: Annotated[Target | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("by the ending of OUT: .jsonl, else the tutorial's lines"),
        description="shape of OUT; label-studio and doccano import it to be corrected by hand",
    )


class ConvertSettings(Settings):
    """Those that say how a corpus is read, how a store is reached, and the shape of OUT."""

    takes: ClassVar[frozenset[str] | None] = frozenset(
        {
            *("corpus_fields", "max_rejected_ratio", "normalize"),
            *("force_download", "max_download_mb", "cache_dir", "hf_token", "hf_token_secret"),
            *("storage_timeout_s", "storage_deadline_s", "log_format", "to"),
        }
    )
    to: Annotated[Target | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("by the ending of OUT; in a folder jsonl"),
        description="shape of OUT: .jsonl, .txt (the tutorial's), .tsv (klue), .conll, .json "
        "(label-studio) and .parquet say it by themselves",
    )
