"""Beyond its sentences, reading columns and tables takes at most three times the file's size."""

import subprocess
import sys
from random import Random

import pytest

LIMIT = 3  # times the file's size, the file's own bytes included
SIZE = 5_000_000
MEASURE = """
import re, sys
from pathlib import Path
from job.corpus.formats.format import CorpusFile, Options
from job.corpus.formats.recognise import parse

def memory(kind):
    return 1024 * int(re.search(kind + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def kept(sentence):
    numbers = sum(28 * (number > 256) for span in sentence.spans for number in span[:2])
    parts = (sentence, sentence.text, sentence.spans, *sentence.spans)
    return 8 + numbers + sum(map(sys.getsizeof, parts))

parse([CorpusFile("first", "가\\tB-PS\\n나\\tO\\n\\n나\\tO\\n".encode())], Options())
before = memory("VmRSS")
data = Path(sys.argv[1]).read_bytes()
parsed = parse([CorpusFile("file", data)], Options())
assert not parsed.rejected
beyond = memory("VmHWM") - before - sum(map(kept, parsed.sentences))
print(beyond / len(data))
"""


def words(random):
    """Words with a long tail, of which some are entities."""
    found = []
    for _ in range(random.randint(4, 18)):
        number = int(random.paretovariate(0.6)) % 400_000
        word = chr(0xAC00 + number * 7919 % 11172) + chr(0xAC00 + number // 97 % 11172)
        found.append((word, "B-PS" if random.random() < 0.1 else "O"))
    return found


def of_characters(sentence):
    lines = []
    for word, tag in sentence:
        lines += [f"{word[0]}\t{tag}", f"{word[1]}\t{tag.replace('B-', 'I-')}", " \tO"]
    return "\n".join(lines[:-1]) + "\n\n"


def of_words(sentence):
    return "".join(f"{word}\t{tag}\n" for word, tag in sentence) + "\n"


def with_text(sentence):
    text = " ".join(word for word, _ in sentence)
    rows = [f"{i}\t{word}\tNOUN\t{tag}\n" for i, (word, tag) in enumerate(sentence, start=1)]
    return f"# text = {text}\n{''.join(rows)}\n"


def of_sentences(sentence):
    return f"{' '.join(w for w, _ in sentence)},{' '.join(t for _, t in sentence)}\n"


def of_units(sentence):
    return "".join(f"{word},{tag}\n" for word, tag in sentence) + ",\n"


FORMS = [
    (of_characters, ""),
    (of_words, ""),
    (with_text, ""),
    (of_sentences, "text,tags\n"),
    (of_units, "word,tag\n"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(("form", "header"), FORMS, ids=[form.__name__ for form, _ in FORMS])
def test_reading_takes_three_times_the_file_beyond_its_sentences(form, header, tmp_path):
    """Of the peak of a process of its own, whose words are as many as a corpus has."""
    random, written, size = Random(1), [header], 0
    while size < SIZE:
        written.append(form(words(random)))
        size += len(written[-1].encode())
    file = tmp_path / "corpus.txt"
    file.write_text("".join(written))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= LIMIT
