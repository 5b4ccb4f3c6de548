"""The arguments that say which corpus is read, how, and what may be wrong with it."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from job.settings.field_types import (
    CorpusFields,
    CorpusName,
    EmptyIsNone,
    LocalFolder,
    Location,
    Sha256s,
    cache_home,
    in_help,
    parse_fields,
    parse_sha256,
    title_of,
)
from job.settings.types_rule import (
    TypesMap,
    TypesOnly,
    TypesRule,
    parse_types_map,
    parse_types_only,
)


def default_cache_dir() -> Path:
    """The cache folder of this user."""
    return cache_home(os.environ)


class CorpusSettings(BaseModel):
    """The first group of `job.settings.settings.Settings`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_default=True,
    )

    downstream_task_name: Literal["named-entity-recognition"] = Field(
        "named-entity-recognition",
        json_schema_extra=in_help(group="Corpus"),
        description="the only task there is",
    )
    downstream_corpus: Annotated[Location | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("<root>/<name>, below"),
        description="the corpus: a file, a folder or a URL; in a folder the splits are found by "
        "the words train, val (valid, validation, dev) and test in the names of files and folders",
    )
    downstream_corpus_name: CorpusName = Field(
        "ner",
        description="another way to say it: 'ner' is the tutorial's corpus, downloaded; 'sample' "
        "is embedded; any other is the folder <root>/<name>",
    )
    downstream_corpus_root_dir: Annotated[Location | None, EmptyIsNone] = Field(
        None,
        json_schema_extra=in_help("the cache directory"),
        description="path or URL of the folder in which the corpus folder lies; where it is set, "
        "'ner' and 'sample' are folders in it too",
    )
    val_ratio: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of train that becomes the val split of a corpus without one, above 0 "
        "and below 1: whole documents where there are several, else sentences, the same in each "
        "run",
    )
    corpus_sha256: Sha256s = Field(
        "",
        json_schema_extra=in_help("not checked"),
        description="checksums that pin the corpus: train=<hex>,val=<hex>[,test=<hex>]",
    )
    max_rejected_ratio: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of a split's sentences that may be rejected, 0 to 1",
    )
    allow_unseen_labels: bool = Field(
        False,
        description="keep sentences of val and test with an entity type that train lacks: such "
        "entities count as missed; else a few such sentences are rejected, and many stop the run",
    )
    corpus_fields: CorpusFields = Field(
        "",
        json_schema_extra=in_help("found automatically"),
        description="where the job cannot find the parts of a corpus: columns by number or header, "
        "as text=2,tags=4, or keys of JSON, as text=form,spans=NE,end=inclusive,offsets=utf16",
    )
    types_map: TypesMap = Field(
        "",
        json_schema_extra=in_help("as they are read"),
        description="new names of entity types: PS_*=PS,Job Title=TITLE,*=- (an exact name first, "
        "then the longest X*, then *; - drops the type)",
    )
    types_only: TypesOnly = Field(
        "",
        json_schema_extra=in_help("all"),
        description="the entity types to learn, by their new names: PS,LC; others are left out",
    )
    nested: Literal["reject", "outer", "inner"] = Field(
        "reject",
        description="where one entity lies inside of another: 'reject' the sentence, or keep the "
        "'outer' or the 'inner' one",
    )
    normalize: Literal["off", "nfc"] = Field(
        "off",
        description="'nfc' composes decomposed Korean (NFD, as macOS writes it) before wordpieces "
        "are made; offsets stay exact, and predict answers in those of the text that it was given",
    )
    max_unknown_ratio: float = Field(
        0.3,
        ge=0,
        le=1,
        description="share of train's characters that the model's vocabulary may lack, 0 to 1",
    )
    show_sentences: int = Field(
        3,
        ge=0,
        le=100,
        description="sentences of each split that the log shows as they were read; 0 for texts "
        "that must not be in a log",
    )
    force_download: bool = Field(False, description="download the corpus again")
    overwrite_cache: bool = Field(False, description="encode the corpus again")
    max_download_mb: int = Field(500, ge=1, description="megabytes that a downloaded file may have")
    cache_dir: LocalFolder = Field(
        default_factory=default_cache_dir,
        json_schema_extra=in_help("$XDG_CACHE_HOME/korean-ner-job or ~/.cache/korean-ner-job"),
        description="local folder for downloads and encoded corpora",
    )

    @property
    def corpus_title(self) -> str:
        """The name of the corpus for people."""
        if self.downstream_corpus is None:
            return self.downstream_corpus_name
        return title_of(self.downstream_corpus)

    @property
    def given_val_ratio(self) -> float | None:
        """VAL_RATIO where it was said."""
        return self.val_ratio if "val_ratio" in self.model_fields_set else None

    @property
    def corpus_sha256_by_split(self) -> dict[str, str]:
        """The checksums of CORPUS_SHA256, split -> hex."""
        return parse_sha256(self.corpus_sha256)

    @property
    def fields_by_role(self) -> dict[str, str]:
        """CORPUS_FIELDS as role -> column or key."""
        return parse_fields(self.corpus_fields)

    @property
    def types_rule(self) -> TypesRule:
        """TYPES_MAP, TYPES_ONLY and NESTED as one."""
        exact, prefixes = parse_types_map(self.types_map)
        return TypesRule(exact, prefixes, parse_types_only(self.types_only), self.nested)
