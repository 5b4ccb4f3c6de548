"""One random change to a corpus file never makes a sentence be read as another one."""

import random

import pytest

from job.errors import DataError
from tests.support.changed_files import FORMATS, changed, made
from tests.support.parsing import parse

FILES = 200
SENTENCES = 12


@pytest.mark.parametrize("name", FORMATS)
def test_a_changed_file_is_read_as_a_careful_reader_would_or_refused(name):
    """What is read equals an independent reader's reading; the rest is rejected or refused."""
    form = FORMATS[name]
    read_in_all = rejected_in_all = 0
    for seed in range(FILES):
        rng = random.Random(f"{name} {seed}")
        whole = form.write([made(rng) for _ in range(SENTENCES)])
        data = changed(whole, rng, form.separator)
        expected = form.read(data)
        try:
            parsed = parse(data.encode("utf-8"), f"{name}.txt")
        except DataError:
            continue
        for sentence in parsed.sentences:
            spans = tuple(tuple(span) for span in sentence.spans)
            assert expected.get(sentence.line) == (sentence.text, spans), (seed, sentence)
        read_in_all += len(parsed.sentences)
        rejected_in_all += len(parsed.rejected)
    # The claim would hold, and say nothing, of a reader that refuses everything.
    assert read_in_all >= 0.85 * FILES * SENTENCES
    assert rejected_in_all


@pytest.mark.parametrize("name", FORMATS)
def test_both_readers_read_an_unchanged_file_whole(name):
    """Before its change, each file is read without a loss by the job and by the test's reader."""
    form = FORMATS[name]
    rng = random.Random(name)
    sentences = [made(rng) for _ in range(300)]
    data = form.write(sentences)
    parsed = parse(data.encode("utf-8"), f"{name}.txt")
    read = {s.line: (s.text, tuple(tuple(span) for span in s.spans)) for s in parsed.sentences}
    assert read == form.read(data)
    assert len(read) >= 0.98 * len(sentences)
