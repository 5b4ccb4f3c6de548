"""The layers and features that a WebAnno TSV's head names, and the one that holds the entities."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from job.corpus.formats.format import CorpusFile
from job.errors import DataError

FORMAT_LINE = "#FORMAT=WebAnno TSV "
LAYER = re.compile(r"#T_(SP|CH|RL)=([^|]*)(.*)", re.DOTALL)
SPANS = "SP"
ROW = re.compile(r"(\d+)-(\d+)(\.\d+)?\t(\d+)-(\d+)\t([^\t]*)(?:\t(.*))?", re.DOTALL)
ENTITIES = re.compile(r"named?[_ ]?entit|entit|개체", re.IGNORECASE)
# Layers of the words themselves, in DKPro's names.
OF_WORDS = re.compile(r"\.(lexmorph|segmentation|syntax|morph|coref|semantics\.type)\.")
NAMELESS = ("identifier", "id", "link", "comment", "note")
NOTHING, NO_VALUE = "_", "*"


class Feature(NamedTuple):
    """A feature of a layer, and its column from 0 behind the token."""

    column: int
    layer: str
    name: str

    def __str__(self) -> str:
        return f"{self.layer.rpartition('.')[2]}.{self.name}"


def read_features(file: CorpusFile) -> tuple[list[Feature], int]:
    """The features of the layers of spans, and the number of columns."""
    version = str(file.lines[0]).removeprefix(FORMAT_LINE).strip()
    if not version.startswith("3"):
        raise DataError(
            f"{file.path} is WebAnno TSV {version}, and only version 3 is read; export it as "
            "WebAnno TSV 3."
        )
    features, width = [], 0
    for line in file.lines:
        match = LAYER.fullmatch(line) if isinstance(line, str) else None
        if match:
            kind, layer, rest = match.groups()
            names = rest.split("|")[1:] or [""]
            found = [Feature(width + i, layer, name) for i, name in enumerate(names)]
            features += found if kind == SPANS else []
            width += len(names)
    return features, width


def choose_feature(file: CorpusFile, features: Sequence[Feature], named: str | None) -> Feature:
    """The feature that names the entities' types. Raises DataError where two could."""
    if named:
        found = [f for f in features if named in (f.name, str(f), f"{f.layer}.{f.name}", f.layer)]
        if len(found) == 1:
            return found[0]
    else:
        found = [f for f in features if f.name and not OF_WORDS.search(f.layer)]
        found = [f for f in found if ENTITIES.search(f.layer)] or found
        if len(found) > 1:
            used = [f for f in found if f.name not in NAMELESS and _is_used(file, f)]
            found = used or found
        if len(found) == 1:
            return found[0]
    shown = ", ".join(map(str, found or features)) or "no feature"
    example = (found or features or [Feature(0, "NamedEntity", "value")])[0]
    what = f"no single feature `{named}` (it has {shown})" if named else f"{shown}"
    could = "" if named else "; one of them alone names the entities' types"
    raise DataError(f"{file.path} has {what}{could}; say which by CORPUS_FIELDS=type={example}.")


def _is_used(file: CorpusFile, feature: Feature) -> bool:
    """Whether some row has a value of the feature."""
    rows = (ROW.fullmatch(line) for line in file.lines if isinstance(line, str))
    return any(
        (cells := (row[7] or "").split("\t"))[feature.column :]
        and cells[feature.column].partition("[")[0] not in (NOTHING, NO_VALUE, "")
        for row in rows
        if row
    )
