"""The table of targets, and the choice among them."""

from job.corpus.writers.columns import CONLL, KLUE
from job.corpus.writers.json_lines import DOCCANO, JSON_LINES
from job.corpus.writers.label_studio import LABEL_STUDIO
from job.corpus.writers.parquet import PARQUET
from job.corpus.writers.tagged import TUTORIAL
from job.corpus.writers.writer import Writer

# Of those with one ending the first is taken, where --to names none.
WRITERS: dict[str, Writer] = {
    writer.name: writer
    for writer in (JSON_LINES, TUTORIAL, KLUE, CONLL, LABEL_STUDIO, PARQUET, DOCCANO)
}


def writer_of(name: str) -> Writer | None:
    """The target that the ending of a file's name stands for."""
    lowered = name.lower()
    return next((each for each in WRITERS.values() if lowered.endswith(each.ending)), None)
