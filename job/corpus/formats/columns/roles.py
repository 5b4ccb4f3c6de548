"""The role of each column of a file: which holds the text, which the tags, what the others hold.

Decided from all rows. A column that counts, names its sentence or holds parts of speech cannot be
the text. Where a comment line carries the text, the column that spells it is the text.
"""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from job.corpus.formats.bio_tags import are_types, looks_like_tag, split_tag
from job.corpus.formats.columns.parts_of_speech import are_chunks, is_part_of_speech
from job.corpus.formats.columns.table import Table

MOST = 0.95  # of the rows or sentences: what differs in the rest is a fault of those
MANY = 3  # sentences that make a rule of what could be chance in a few

NUMBERING = re.compile(r"[\d\W_]*\d[\d\W_]*")
DIGITS = re.compile(r"[0-9]+")
RUNNING, WORDS = "a running number", "the words' numbers"
GROUPS = "numbers or names that several rows of a sentence share"
RESTARTS = "running numbers that start again within a sentence"
SENTENCES, NUMBERS, SPEECH = "the sentence's number or name", "numbers", "parts of speech"
CHUNKED, TAGS, SAME_TAGS = "chunk names", "other tags", "the same tags again"


@dataclass(frozen=True)
class Columns:
    """The columns of the text and the tags, counted from 0, and what each holds."""

    text: int
    tags: int
    roles: tuple[str | None, ...]

    def __str__(self) -> str:
        others = [
            f"column {c + 1} {role}"
            for c, role in enumerate(self.roles)
            if role and c not in (self.text, self.tags)
        ]
        beside = f" ({', '.join(others)})" if others else ""
        return f"the text in column {self.text + 1}{beside}, the tag in column {self.tags + 1}"

    def find(self, role: str) -> int | None:
        """The first column with that role."""
        return self.roles.index(role) if role in self.roles else None


@dataclass(frozen=True)
class Evidence:
    """The share of the sentences that carry their text, and that marked up, beside their units; and
    of those, the share that each column spells."""

    carried: float
    marked: float
    spelled: Sequence[float]


def choose_columns(
    table: Table, fields: Mapping[str, int], evidence: Evidence, *, chosen: bool
) -> Columns:
    """`fields` are named columns, from 1: by the user who has `chosen`. Raises DataError."""
    tags = _choose_tags(table, fields)
    roles = [TAGS if c == tags else _role(table, c, tags) for c in range(table.width)]
    others = [c for c in range(table.width) if c != tags]
    if "text" in fields:
        text = fields["text"] - 1
    elif evidence.carried >= 0.5 and max(evidence.spelled[c] for c in others) >= 0.5:
        text = max(others, key=lambda c: evidence.spelled[c])
    elif evidence.marked >= 0.5:
        text = max(others, key=lambda c: (evidence.spelled[c], roles[c] is None))
    elif len(others) == 1:
        [text] = others
        if evidence.carried < 0.5 and _cannot_be_text(table, text, roles[text]):
            raise table.refuse(
                f"its only column beside the tags holds {roles[text]}, so the text is missing",
                f"add it, or take that by CORPUS_FIELDS=text={text + 1},tags={tags + 1}",
            )
    else:
        text = _only_text(table, roles, f"say which by CORPUS_FIELDS=text=N,tags={tags + 1}")
    columns = Columns(text, tags, tuple(roles))
    if evidence.carried < 0.5:
        _refuse_groups(table, columns, chosen)
    return columns


def _refuse_groups(table: Table, columns: Columns, chosen: bool) -> None:
    """Several rows of one word are no words that blanks lie between."""
    words, groups = columns.find(WORDS), columns.find(GROUPS)
    restarts = columns.find(RESTARTS)
    if restarts not in (None, columns.text):
        raise table.refuse(
            f"column {restarts + 1} holds {RESTARTS}, so blank lines are missing",
            "put a blank line after each sentence",
        )
    remedy = "the sentence before its rows as `# text = …`"
    if groups not in (None, columns.text):
        raise table.refuse(
            f"column {groups + 1} holds {GROUPS}: one word, or sentences without a blank line "
            "between them",
            f"put a blank line after each sentence, or {remedy}",
        )
    if not chosen and words not in (None, columns.text):
        raise table.refuse(
            f"column {words + 1} numbers the words, and the parts of a word (morphemes) need not "
            "spell it",
            f"put {remedy}, or join the parts of each word as they are by "
            f"CORPUS_FIELDS=text={columns.text + 1},tags={columns.tags + 1}",
        )


def _choose_tags(table: Table, fields: Mapping[str, int]) -> int:
    """The last column of tags that is none of chunk names."""
    if "tags" in fields:
        return fields["tags"] - 1
    last = table.width - 1
    found = [c for c in range(table.width) if _holds_tags(table, c)]
    entities = [c for c in found if not are_chunks(table.counts[c])]
    if are_chunks(table.counts[last]):
        if not entities:
            raise table.refuse(
                f"column {last + 1} holds chunk names, and no column tags of entities",
                f"if these are the entities to learn, say so by CORPUS_FIELDS=tags={last + 1}",
            )
        last = entities[-1]
    text = fields.get("text", 1 if table.width == 2 else 0) - 1
    if second := [c for c in entities if c not in (last, text) and not _equal(table, c, last)]:
        columns = " and ".join(str(c + 1) for c in (*second, last))
        raise table.refuse(
            f"columns {columns} hold different tags, and only one can be learned",
            f"say which by CORPUS_FIELDS=tags={last + 1} or CORPUS_FIELDS=tags={second[0] + 1}",
        )
    return last


def _holds_tags(table: Table, column: int) -> bool:
    values = table.counts[column]
    alone = column == table.width - 1 and are_types(values)
    if not alone and "O" not in values and not any(map(split_tag, values)):
        return False
    tags = {v for v in values if looks_like_tag(v) or v == "_"}
    return alone or table.share(column, tags) >= MOST


def _equal(table: Table, left: int, right: int) -> bool:
    return all(row[left] == row[right] for rows in table.sentences for row in rows)


def _role(table: Table, column: int, tags: int) -> str | None:
    """None where the column may be the text."""
    values = table.counts[column]
    if table.width > 2 and _holds_tags(table, column):
        if _equal(table, column, tags):
            return SAME_TAGS
        return CHUNKED if are_chunks(values) else TAGS
    if _are_numbers(table, column):
        return _kind_of_number(table, column)
    if len(values) == 1 and table.total > 1:
        return "the same in every row"
    if table.share(column, set(filter(is_part_of_speech, values))) >= MOST and any(
        map(str.isalpha, values)
    ):
        return SPEECH
    constant = sum(all(row[column] == rows[0][column] for row in rows) for rows in table.several)
    return SENTENCES if table.several and constant >= MOST * len(table.several) else None


def _are_numbers(table: Table, column: int) -> bool:
    """Values that differ in digits alone (`s1-4`), or have no letters."""
    values = table.counts[column]
    if table.share(column, {value for value in values if NUMBERING.fullmatch(value)}) >= MOST:
        return True
    skeletons: Counter = Counter()
    for value, count in values.items():
        if value.isascii():
            skeletons[DIGITS.sub("0", value)] += count
    [(skeleton, count)] = skeletons.most_common(1) or [("", 0)]
    return "0" in skeleton and len(values) > 1 and count >= MOST * table.total


def _kind_of_number(table: Table, column: int) -> str:
    constant = running = words = groups = restarts = 0
    for rows in table.several:
        values = [row[column] for row in rows]
        runs = 1 + sum(left != right for left, right in itertools.pairwise(values))
        whole = all(map(DIGITS.fullmatch, values))
        steps = {int(b) - int(a) for a, b in itertools.pairwise(values)} if whole else set()
        counts = values[0] in ("0", "1") and steps <= {0, 1} and whole
        constant += runs == 1
        running += counts and steps == {1}
        again = [int(b) for a, b in itertools.pairwise(values) if int(b) <= int(a)] if whole else []
        restarts += bool(again) and set(again) == {int(values[0])} and max(steps) == 1
        words += counts and steps == {0, 1}
        in_order = len(set(values)) == runs and min(steps, default=0) >= 0
        groups += in_order and 1 < runs < len(values)
    several = len(table.several)
    if several and constant >= MOST * several:
        return SENTENCES
    if words > (1 - MOST) * several and constant + running + words >= MOST * several > 1:
        return WORDS
    if groups > (1 - MOST) * several and constant + running + groups >= MOST * several:
        return GROUPS
    if 2 * running > several:
        return RUNNING
    return RESTARTS if 2 * (running + restarts) > several else NUMBERS


def _cannot_be_text(table: Table, column: int, role: str | None) -> bool:
    """In the only column that could be it: numbers and names are words, too."""
    if role == SENTENCES:
        names = [rows[0][column] for rows in table.several]
        return len(names) >= MANY and len(set(names)) >= MOST * len(names)
    return role in (RUNNING, WORDS, SPEECH) and len(table.several) >= MANY


def _only_text(table: Table, roles: Sequence[str | None], remedy: str) -> int:
    candidates: list[int] = []
    for c, role in enumerate(roles):
        if role is None and not any(_equal(table, c, other) for other in candidates):
            candidates.append(c)
    korean = [table.share_of_hangul(c) for c in candidates]
    if sum(share >= 0.3 for share in korean) == 1 and sum(share > 0.01 for share in korean) == 1:
        return candidates[korean.index(max(korean))]
    if len(candidates) != 1:
        several = " and ".join(str(c + 1) for c in candidates)
        why = f"columns {several} can each be the text" if several else "no column can be the text"
        raise table.refuse(why, remedy)
    return candidates[0]
