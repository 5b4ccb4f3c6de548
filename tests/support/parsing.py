"""A corpus file that is read from memory."""

from job.corpus.formats import recognise
from job.corpus.formats.format import CorpusFile, Options


def parse(data, path, find_tag_names=lambda: None, fields=None):
    """`recognise.parse` of one file. Numbers of columns may be given as such."""
    fields = {role: str(place) for role, place in (fields or {}).items()}
    return recognise.parse([CorpusFile(path, data)], Options(find_tag_names, fields))
