"""The texts that sentences carry beside their units: in comments, or as a table has them."""

from collections import Counter

from job.corpus.formats.columns.comments import Carried, read_carried, spells
from job.corpus.formats.columns.packed import Unpacked
from job.corpus.formats.columns.roles import Evidence
from job.corpus.formats.columns.signs import without_blanks
from job.corpus.formats.columns.table import Table
from job.corpus.formats.placement import DIFFER
from job.corpus.formats.text_lines import LineError, Note

IGNORED = Note("comment line was", "comment lines were", "left out")


class Texts:
    """Gives the text that a sentence carries. `source` is where it is from if not from comments.

    Comments of no form are the text where they spell the units in `column`, once that is chosen.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.column: int | None = None

    def read(self, block: Unpacked) -> tuple[Carried | None, list[str]]:
        """The text that is certain, and comments that may be it."""
        if block.carried:
            return Carried(block.carried, source=self.source), []
        return read_carried(block.comments) if block.comments else (None, [])

    def __call__(self, block: Unpacked) -> Carried | None:
        carried, others = self.read(block)
        if carried or self.column is None:
            return carried
        text = _spelled(block, self.column, others)
        return None if text is None else Carried(text)

    def evidence(self, table: Table) -> Evidence:
        """What they say of the columns."""
        if not table.packed.has_comments:
            return Evidence(0, 0, [0.0] * table.width)
        sure = marked = said = 0
        for block in table.blocks():
            carried, others = self.read(block)
            sure += carried is not None
            marked += carried is not None and carried.marked is not None
            said += bool(carried or others)
        spelled = [0.0] * table.width
        if said and (table.width > 2 or sure < said):
            spelled = [count / said for count in self._spelled(table)]
        total = table.sentences
        carry = sure if 2 * sure >= total or max(spelled) < 0.5 else said
        return Evidence(carry / total, marked / total, spelled)

    def _spelled(self, table: Table) -> list[int]:
        """In how many sentences each column spells the text or a comment."""
        counts = [0] * table.width
        for block in table.blocks():
            carried, others = self.read(block)
            texts = [carried.text] if carried else others
            for c in range(table.width) if texts else ():
                counts[c] += _spelled(block, c, texts) is not None
        return counts

    def choose(self, table: Table, column: int, noted: Counter[Note]) -> None:
        """Takes comments of no form for the text where most of the file's spell the units."""
        if not table.packed.has_comments:
            return
        comments = free = spelled = 0
        unspelled: list[tuple[int, int, str]] = []
        for block in table.blocks():
            carried, others = self.read(block)
            if others and not carried:
                free += 1
                comments += len(others)
                if _spelled(block, column, others) is None:
                    unspelled.append((block.index, block.line, others[-1]))
                else:
                    spelled += 1
        if not free:
            return
        if 2 * free < table.sentences or 2 * spelled < free:
            noted[IGNORED] += comments
            return
        self.column = column
        for index, line, comment in unspelled:
            table.packed.reject(index, line, LineError(DIFFER, f"`{comment[:40]}`"))

    def are_most(self, table: Table) -> bool:
        """Whether at least half of the sentences carry theirs."""
        if not table.packed.has_comments:
            return False
        return 2 * sum(self(block) is not None for block in table.blocks()) >= table.sentences


def _spelled(block: Unpacked, column: int, texts: list[str]) -> str | None:
    """Of the texts, the one that the column spells."""
    units = block.columns[column]
    ways = (units, without_blanks(units))
    return next((text for text in texts if any(spells(way, text) for way in ways)), None)
