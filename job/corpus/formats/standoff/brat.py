"""brat's standoff: a text in `doc.txt`, its entities in `doc.ann`, as `T1<TAB>PS 0 3<TAB>홍길동`.

Offsets count the whole text, a line end as one character, and each line of the text is a sentence.
The mentions prove the offsets. Equal texts of one name in several folders are one text that several
persons annotated: each sentence of it is taken once, where they agree. https://brat.nlplab.org/standoff.html
"""

import itertools
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from job.corpus.formats.format import CERTAIN, Contents, CorpusFile, Format, Options, Score
from job.corpus.formats.json_rows.answers import SAME, refuse_differences
from job.corpus.formats.json_rows.offsets.marked import CODE_POINTS, UNITS, Marked, Unit
from job.corpus.formats.text_lines import LineError, Rejected
from job.errors import DataError
from job.sentence import Sentence, Span

TEXT, ANNOTATIONS = ".txt", ".ann"
ENTITY = re.compile(r"(T\S*)\t(\S.*?) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?", re.DOTALL)
NO_ENTITY = tuple("REAMNC*#")  # relations, events, attributes, notes and their like
DISCONTINUOUS = "a discontinuous mention"
CROSSES = "a mention that crosses a line end"
DIFFERS = "offsets that do not give the mention that the annotation names"


class Entity(NamedTuple):
    """An entity as it is written. `span` is in the file's unit; of a discontinuous one it covers
    all `pieces`."""

    span: Span
    mention: str | None
    pieces: int
    shown: str


class Document(NamedTuple):
    """A text and its entities."""

    file: CorpusFile
    lines: list[str]
    entities: list[Entity]


class Answer(NamedTuple):
    """The sentences of an annotated text, and those that cannot be read, by place."""

    sentences: dict[int, Sentence]
    rejected: dict[int, Rejected]


class Counting(NamedTuple):
    """How a split's offsets count: the unit, and how much a line end takes of it."""

    unit: Unit
    line_end: str


def _score(file: CorpusFile, _: Options) -> Score:
    stem = file.path.rpartition(".")[0]
    if file.path.endswith(ANNOTATIONS):
        is_such = stem + TEXT in file.beside or not file.data.strip() or _is_annotations(file)
    else:
        is_such = file.path.endswith(TEXT) and any(p.endswith(ANNOTATIONS) for p in file.beside)
    return Score(CERTAIN if is_such else 0.0, "it lies beside brat's annotations")


def _is_annotations(file: CorpusFile) -> bool:
    return bool(file.sample) and all(
        ENTITY.fullmatch(line) or line.startswith(NO_ENTITY) for line in file.sample
    )


def _read(files: Sequence[CorpusFile], _: Options) -> Contents:
    documents = list(_documents(files))
    counting = _choose_counting(documents)
    said = "" if counting.unit is CODE_POINTS else f", whose offsets count {counting.unit.name}"
    if len(counting.line_end) > 1:
        said += ", a line end as two characters"
    contents = Contents(f"brat's texts and annotations{said}", [], [])
    for answers in _by_task(documents):
        _agree([_place(document, counting) for document in answers], contents)
    return contents


def _by_task(documents: Sequence[Document]) -> Iterable[Sequence[Document]]:
    """The documents, those of one name and one text together."""
    tasks: dict[tuple[str, tuple[str, ...]], list[Document]] = defaultdict(list)
    for document in documents:
        name = document.file.path.rpartition("/")[2]
        tasks[name, tuple(document.lines)].append(document)
    return tasks.values()


def _agree(answers: Sequence[Answer], contents: Contents) -> None:
    """Adds each sentence once. What is rejected of one answer is known of none: the others may lack
    what stands there."""
    rejected: dict[int, Rejected] = {}
    for answer in answers:
        rejected = answer.rejected | rejected
    first, *others = answers
    for i, sentence in first.sentences.items():
        if i in rejected:
            continue
        try:
            said = [answer.sentences[i] for answer in answers]
            refuse_differences([(each.text, each.spans) for each in said])
        except LineError as error:
            rejected[i] = error.at(sentence.file, sentence.line)
            continue
        contents.sentences.append(sentence)
        if others:
            contents.noted[SAME] += len(others)
    contents.rejected += rejected.values()


def _documents(files: Sequence[CorpusFile]) -> Iterator[Document]:
    """The texts with their annotations. Raises DataError where one lacks the other."""
    of_path = {file.path: file for file in files}
    for path, file in of_path.items():
        stem = path.rpartition(".")[0]
        if path.endswith(ANNOTATIONS) and stem + TEXT not in of_path:
            raise DataError(f"{path} has no {stem + TEXT} beside it; add the text it annotates.")
        if path.endswith(ANNOTATIONS):
            continue
        annotations = of_path.get(stem + ANNOTATIONS)
        if annotations is None:
            raise DataError(
                f"{path} has no {stem + ANNOTATIONS} beside it; add its annotations, or an empty "
                "file of that name where it has no entity."
            )
        lines, entities = _lines(file), list(_entities(annotations))
        yield Document(file, lines, entities)


def _lines(file: CorpusFile) -> list[str]:
    """The lines of a text. Raises DataError: offsets beyond a line that is none are lost."""
    if not file.data.strip():
        return file.data.decode(errors="replace").split("\n")
    for number, line in enumerate(file.lines, start=1):
        if isinstance(line, LineError):
            raise DataError(
                f"{file.path}:{number}: {line}, so the offsets behind it count nothing; save the "
                "text as UTF-8 and annotate it again."
            )
    return [line for line in file.lines if isinstance(line, str)]


def _entities(file: CorpusFile) -> Iterator[Entity]:
    """Raises DataError for a line that is no annotation: the sentence it belongs to is unknown."""
    for number, line in enumerate(file.lines if file.data.strip() else (), start=1):
        if isinstance(line, str) and (not line.strip() or line.startswith(NO_ENTITY)):
            continue
        match = ENTITY.fullmatch(line) if isinstance(line, str) else None
        if not match:
            raise DataError(
                f"{file.path}:{number}: `{str(line)[:60]}` is no annotation as `T1<TAB>PS 0 3<TAB>"
                "홍길동`, so a sentence would lack an entity; correct or remove the line."
            )
        id_, type_, offsets, mention = match.groups()
        pieces = [tuple(map(int, piece.split(" "))) for piece in offsets.split(";")]
        ends = [offset for piece in pieces for offset in piece]
        shown = f"{file.path}:{number}: {id_} {type_} {offsets}"
        yield Entity(Span(min(ends), max(ends), type_), mention, len(pieces), shown)


def _choose_counting(documents: Sequence[Document]) -> Counting:
    """The way to count that spells the most mentions of the split."""
    ends = ["\n", "\r\n"] if any(b"\r\n" in each.file.data for each in documents) else ["\n"]
    ways = [Counting(unit, end) for unit in UNITS for end in ends]
    spelled = [sum(_spelled(document, ways[0]) for document in documents)]
    if spelled[0] == sum(entity.pieces == 1 for each in documents for entity in each.entities):
        return ways[0]
    spelled += [sum(_spelled(document, way) for document in documents) for way in ways[1:]]
    return ways[spelled.index(max(spelled))]


def _spelled(document: Document, counting: Counting) -> int:
    text = counting.line_end.join(document.lines)
    count = 0
    for entity in document.entities:
        if entity.pieces == 1:
            try:
                start, end, _ = counting.unit.convert(Marked(text), entity.span)
            except LineError:
                continue
            count += entity.mention is None or _same(text[start:end], entity.mention)
    return count


def _same(found: str, mention: str) -> bool:
    """Whether they are one mention: brat writes a blank for a line end within it."""
    return found == mention or found.split() == mention.split()


def _place(document: Document, counting: Counting) -> Answer:
    path, text = document.file.path, counting.line_end.join(document.lines)
    ends = itertools.accumulate(len(line) + len(counting.line_end) for line in document.lines)
    starts = [0, *ends][:-1]
    spans: list[list[Span]] = [[] for _ in document.lines]
    rejected: dict[int, Rejected] = {}
    for entity in document.entities:
        try:
            start, end, type_ = _found(text, entity, counting)
            touched = _between(starts, start, end)
            if len(touched) > 1:
                raise LineError(CROSSES, entity.shown)
            i = touched[0]
            spans[i].append(Span(start - starts[i], end - starts[i], type_))
        except LineError as error:
            for i in _touched(document, starts, entity, counting, text):
                rejected.setdefault(i, error.at(path, i + 1))
    sentences = {
        i: Sentence(line, tuple(sorted(spans[i])), i + 1, path, path)
        for i, line in enumerate(document.lines)
        if i not in rejected and line.strip()
    }
    return Answer(sentences, rejected)


def _found(text: str, entity: Entity, counting: Counting) -> Span:
    """The entity in code points of the text. Raises LineError."""
    if entity.pieces > 1:
        raise LineError(DISCONTINUOUS, entity.shown)
    span = counting.unit.convert(Marked(text), entity.span)
    found = text[span.start : span.end]
    if entity.mention is not None and not _same(found, entity.mention):
        raise LineError(
            DIFFERS, f"{entity.shown} gives `{found[:20]}`, not `{entity.mention[:20]}`"
        )
    return span


def _touched(
    document: Document, starts: Sequence[int], entity: Entity, counting: Counting, text: str
) -> set[int]:
    """The sentences that an entity which cannot be placed may belong to: those at its offsets and,
    where these are wrong, each that holds its mention."""
    touched: set[int] = set()
    try:
        start, end, _ = counting.unit.convert(Marked(text), entity.span)
        touched.update(_between(starts, start, end))
    except LineError:
        pass
    if entity.pieces == 1:
        mention = entity.mention or ""
        touched.update(i for i, line in enumerate(document.lines) if mention in line)
    return touched


def _between(starts: Sequence[int], start: int, end: int) -> range:
    """The lines from the one that holds `start` to the one that holds the last character."""
    return range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1))


BRAT = Format("brat's standoff", _score, _read)
