"""Shapes of corpora that are known but not read: a refusal that names the shape and the remedy."""

import re
from collections.abc import Callable, Sequence

from job.corpus.download.html import looks_like_html
from job.corpus.formats.bio_tags import looks_like_tag
from job.corpus.formats.format import (
    CorpusFile,
    Format,
    Options,
    Score,
    read_nothing,
)
from job.errors import DataError

SEPARATORS = re.compile("[\t,;|]")
KEY_AND_TAG = re.compile(r"(?:^|\|)[\w-]+=([^|]*)")
ONE_A_LINE = "write one unit and its tag a line, with a tab between them, and a blank line after "


def refuse_unread(sample: Sequence[str], path: str) -> None:
    """Raises DataError where most of these lines are of a shape that is known but not read."""
    if sample[0].startswith("#FORMAT=WebAnno TSV"):
        raise DataError(f"{path} is WebAnno TSV, which is not read; export it as CoNLL 2002.")
    rows = [line for line in sample if not line.startswith("#")]
    for is_such, shape, remedy in SHAPES:
        if 2 * sum(map(is_such, rows)) > len(rows):
            raise DataError(f"{path} has {shape}, which is not read; {remedy}.")


def _is_sentence_with_tags(line: str) -> bool:
    *before, tags = SEPARATORS.split(line)
    tags = tags.strip("\"'[] ").split()
    # `I O` and `- O` are a unit and its tag.
    return len(tags) > (1 if before else 2) and all(map(looks_like_tag, tags))


def _is_csv(line: str) -> bool:
    fields = line.split(",")
    return "\t" not in line and len(fields) > 1 and looks_like_tag(fields[-1].strip('" '))


def _has_tag_in_misc(line: str) -> bool:
    keys = KEY_AND_TAG.findall(line.rstrip().rpartition("\t")[2])
    return any(map(looks_like_tag, keys))


SHAPES: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (
        _is_sentence_with_tags,
        "a sentence and all its tags on each line",
        f"{ONE_A_LINE}each sentence",
    ),
    (_is_csv, "values separated by commas (CSV)", f"{ONE_A_LINE}each sentence"),
    (
        _has_tag_in_misc,
        "tags within its last column (CoNLL-U's MISC, as `NER=B-PS`)",
        "write the tag alone as the last column",
    ),
)


def _score_page(file: CorpusFile, _: Options) -> Score:
    if not file.sample or not looks_like_html(file.sample[0]):
        return Score(0.0)
    said = f"{file.path} is an HTML page, not a corpus; download the file itself again."
    return Score(0.0, refusal=DataError(said))


HTML_PAGE = Format("an HTML page", _score_page, read_nothing)
