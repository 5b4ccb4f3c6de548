"""An HTML page in place of a corpus, known so that it can be refused by name."""

from job.corpus.download.html import looks_like_html
from job.corpus.formats.format import CorpusFile, Format, Options, Score, read_nothing
from job.errors import DataError


def _score_page(file: CorpusFile, _: Options) -> Score:
    if not file.sample or not looks_like_html(file.sample[0]):
        return Score(0.0)
    said = f"{file.path} is an HTML page, not a corpus; download the file itself again."
    return Score(0.0, refusal=DataError(said))


HTML_PAGE = Format("an HTML page", _score_page, read_nothing)
