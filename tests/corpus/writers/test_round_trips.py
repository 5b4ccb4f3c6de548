"""Any corpus, written for each target and read again: equal, or left out."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.corpus.formats.text_lines import LineError
from job.corpus.writers.table import WRITERS
from tests.support.parsing import parse
from tests.support.sentences import sentences

LETTERS = st.one_of(
    st.sampled_from(
        "<>:가나 ab<>:#;$\t\u3000␞\u2028\u0085😀🇰🇷한\u1100\u1161\u11a8\u0301\ufeff\r\n-"
    ),
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
)
TYPES = st.sampled_from(
    ["PS", "사람", "Job Title", "LOC/도시", "B-PS", "I_x", "S", "O", "a:b", "<x>"]
)


def written(writer, corpus):
    """The file, and the sentences that are in it."""
    kept, said = [], []
    for sentence in corpus:
        try:
            said.append(writer.say(sentence, None))
        except LineError:
            continue
        kept.append(sentence)
    stream = io.BytesIO()
    writer.put(stream, [said[:2], [], said[2:]])
    return stream.getvalue(), kept


def same(sentences):
    return [(sentence.text, sentence.spans) for sentence in sentences]


@pytest.mark.parametrize("name", WRITERS)
@given(corpus=st.lists(sentences(LETTERS, types=TYPES), min_size=1, max_size=6))
def test_what_is_written_reads_back_the_same(name, corpus):
    """Texts and entities, in order; what the target cannot say is not in the file at all."""
    data, kept = written(WRITERS[name], corpus)
    if kept:
        parsed = parse(data, "f")
        assert not parsed.rejected
        assert same(parsed.sentences) == same(kept)
