"""Comment lines before the units of a sentence, and the text that they carry, plain or marked up.

KLUE has `## id<TAB>sentence`, CoNLL-U `# text = sentence`, KMOU's corpus `## 1`, `## sentence`,
`## <mention:TAG> …`, that of HCLT `; sentence`, `$<mention:TAG> …`. Any other comment may carry the
text, and does where its words are those of the units.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from job.corpus.formats.markup import MARKUP

KEY_AND_VALUE = re.compile(r"#+ ?([\w.-]+) += ?(.*)", re.DOTALL)
NAMED_TEXT = re.compile(r"# ?text += ?(.*)|##[^\t]*\t(.*)", re.DOTALL)
STARTS = ("## ", "; ")  # what starts the next sentence also where no blank line stands before it
NUMBER = re.compile(r"\S*\d\S*")


class Carried(NamedTuple):
    """The text, the same marked up where that stands in a line of its own, and where it is from."""

    text: str
    marked: str | None = None
    source: str = "the comment lines"


def is_comment(line: str, is_row: bool, tabs: bool, within: bool, before: Sequence[str]) -> bool:
    """Whether a line that starts with `#`, `;` or `$` is one. `#<TAB>O` is a unit.

    `within` a sentence only what starts the next one is a comment; `before` are the comments above.
    """
    if tabs and line.startswith("## ") and "\t" in line:
        return True  # KLUE's sentence can look like a tag
    if within:
        return not is_row and line.startswith(STARTS)
    if is_row:
        return bool(KEY_AND_VALUE.match(line))
    if line[0] == "$":
        return bool(before) and before[-1].startswith("; ")
    return line.startswith("; ") if line[0] == ";" else bool(line.strip("# \t"))


def read_carried(comments: Sequence[str]) -> tuple[Carried | None, list[str]]:
    """The comment that carries the text by its form, if any, and the others that may carry it."""
    carried, others, hashed = None, [], []
    for i, line in enumerate(comments):
        if named := NAMED_TEXT.fullmatch(line):
            carried = Carried(named[1] or named[2] or "")
        elif line.startswith("$"):
            carried = Carried(comments[i - 1][1:].strip(" \t"), line[1:].strip(" \t"))
        elif line.startswith("## "):
            hashed.append(line[2:].strip(" \t"))
        elif pair := KEY_AND_VALUE.fullmatch(line):
            others.append(pair[2])
        else:
            others.append(line.lstrip("#;").strip(" \t"))
    is_pair = len(hashed) > 1 and unmarked(hashed[-1]) == hashed[-2]
    if carried is None and (is_pair or (len(hashed) == 3 and NUMBER.fullmatch(hashed[0]))):
        return Carried(hashed[-2], hashed[-1]), []
    return carried, [*hashed, *others]


def unmarked(text: str) -> str:
    """The text without what looks like markup in it."""
    return MARKUP.sub(r"\1", text)


def spells(units: Sequence[str], text: str) -> bool:
    """Whether the units are the text, plain or marked up, but for blanks."""
    bare = "".join("".join(units).split())
    return bare == "".join(text.split()) or bare == "".join(unmarked(text).split())
