"""Columns: KLUE's characters, and CoNLL's words, each with its tag.

A comment line gives the text, so no blank of it is lost. Particles of Korean are written to the
word before them, so a word is cut where a mention begins or ends within it.
"""

import re
from collections.abc import Iterator
from functools import cache

from job.corpus.formats.bio_tags import Tag, read_tags
from job.corpus.formats.columns.blocks import DOCUMENT_START
from job.corpus.formats.text_lines import LineError
from job.corpus.writers.writer import Found, Writer, put_text, refuse_line_breaks
from job.sentence import Sentence, Span

WORD = re.compile(r"\S+")
OUTSIDE = "O"


def _characters(sentence: Sentence, _: Found | None) -> str:
    text = sentence.text
    _refuse_blank(text)
    if "\t" in text:
        raise LineError("a tab in the text, which separates the columns")
    tags = [OUTSIDE] * len(text)
    for span in sentence.spans:
        first, inside = _tags_of(span.type)
        tags[span.start : span.end] = [first] + [inside] * (span.end - span.start - 1)
    rows = "".join(f"{character}\t{tag}\n" for character, tag in zip(text, tags, strict=True))
    return f"## {sentence.line}\t{text}\n{rows}\n"


def _words(sentence: Sentence, _: Found | None) -> str:
    text = sentence.text
    _refuse_blank(text)
    rows = []
    for start, end, span in _pieces(text, sentence.spans):
        if text[start:end] == DOCUMENT_START:
            raise LineError(f"the word {DOCUMENT_START}, which starts a document")
        first, inside = _tags_of(span.type) if span else (OUTSIDE, OUTSIDE)
        is_first = span is None or text[span.start : start].strip() == ""
        rows.append(f"{text[start:end]}\t{first if is_first else inside}\n")
    return f"# text = {text}\n{''.join(rows)}\n"


def _pieces(text: str, spans: tuple[Span, ...]) -> Iterator[tuple[int, int, Span | None]]:
    """Words, cut where a mention begins or ends in them, each with the mention that it is in."""
    position = 0
    for span in (*spans, None):
        for start, end, inside in (
            (position, span.start if span else len(text), None),
            *([(span.start, span.end, span)] if span else []),
        ):
            for word in WORD.finditer(text, start, end):
                yield word.start(), word.end(), inside
            position = end


def _refuse_blank(text: str) -> None:
    refuse_line_breaks(text)
    if not text.strip():
        raise LineError("a text of nothing but blanks")


@cache
def _tags_of(type_: str) -> tuple[str, str]:
    """The tags of a mention's first unit and of its others. Raises LineError."""
    tags = f"B-{type_}", f"I-{type_}"
    meaning = read_tags(tags)
    for tag in tags:
        if meaning[tag] != Tag(tag[0], type_):
            raise LineError("an entity type that no tag can hold", f"`{type_[:40]}`")
    return tags


KLUE = Writer("klue", ".tsv", _characters, put_text)
CONLL = Writer("conll", ".conll", _words, put_text)
