"""Beyond its sentences, reading a corpus takes at most three times the file's size of memory."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).parents[3]
SIZE = 5_000_000  # bytes of a file
AT_MOST = 3  # times that size, the file's own bytes included
MENTIONS = [("이순신", "PS"), ("한산도", "LC"), ("조선", "OG"), ("1592년", "DT")]
Words = list[tuple[str, str]]  # each with its tag


def sentences() -> Iterator[Words]:
    """Sentences without end, of words with a long tail, of which some are entities."""
    random = Random(1)
    while True:
        found = []
        for _ in range(random.randint(4, 18)):
            number = int(random.paretovariate(0.6)) % 400_000
            word = chr(0xAC00 + number * 7919 % 11172) + chr(0xAC00 + number // 97 % 11172)
            found.append((word, "B-PS" if random.random() < 0.1 else "O"))
        yield found


def of_characters(words: Words) -> str:
    lines = []
    for word, tag in words:
        lines += [f"{word[0]}\t{tag}", f"{word[1]}\t{tag.replace('B-', 'I-')}", " \tO"]
    return "\n".join(lines[:-1]) + "\n\n"


def of_words(words: Words) -> str:
    return "".join(f"{word}\t{tag}\n" for word, tag in words) + "\n"


def with_text(words: Words) -> str:
    text = " ".join(word for word, _ in words)
    rows = [f"{i}\t{word}\tNOUN\t{tag}\n" for i, (word, tag) in enumerate(words, start=1)]
    return f"# text = {text}\n{''.join(rows)}\n"


def a_sentence_a_row(words: Words) -> str:
    return f"{' '.join(word for word, _ in words)},{' '.join(tag for _, tag in words)}\n"


def a_word_a_row(words: Words) -> str:
    return "".join(f"{word},{tag}\n" for word, tag in words) + ",\n"


def rows() -> Iterator[dict]:
    """Short sentences without end, each with the mentions that it names and their offsets."""
    for number in itertools.count():
        text, spans = f"{number:,}번", []
        for mention, type_ in MENTIONS[: number % 5]:
            start = len(text) + 1
            text += f" {mention}에서"
            spans.append(
                {"start": start, "end": start + len(mention), "label": type_, "text": mention}
            )
        yield {"text": f"{text} 보았다.", "entities": spans}


def with_triples(row: dict) -> dict:
    spans = [[m["start"], m["end"], m["label"]] for m in row["entities"]]
    return {"text": row["text"], "spans": spans}


def with_inclusive_ends(row: dict) -> dict:
    return row | {"entities": [m | {"end": m["end"] - 1} for m in row["entities"]]}


def with_tokens(row: dict) -> dict:
    tags = ["O"] * len(row["text"])
    for mention in row["entities"]:
        inside = [f"I-{mention['label']}"] * (mention["end"] - mention["start"] - 1)
        tags[mention["start"] : mention["end"]] = [f"B-{mention['label']}", *inside]
    return {"tokens": list(row["text"]), "ner_tags": tags}


def with_much_else(row: dict) -> dict:
    """Of which nothing is kept; for an emoji's sake Python has four bytes for each character."""
    return row | {"mood": "😀", "source": "news " * 200}


def lines(found: list[dict]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in found)


def array(found: list[dict]) -> str:
    return json.dumps(found, ensure_ascii=False)


def documents(found: list[dict]) -> str:
    held = [{"id": i, "sentence": found[i : i + 40]} for i in range(0, len(found), 40)]
    return json.dumps({"document": held}, ensure_ascii=False)


def short_lines(found: list[dict]) -> str:
    return json.dumps({"data": found}, ensure_ascii=False, indent=1)


def joined(header: str) -> Callable[[list[str]], str]:
    return lambda found: header + "".join(found)


def so_many(parts: Iterator, part_of: Callable) -> list:
    """Parts that fill a file."""
    found, size = [], 0
    while size < SIZE:
        found.append(part_of(next(parts)))
        said = found[-1]
        said = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        size += len(said.encode())
    return found


FORMS = {
    "a column of characters": (sentences, of_characters, joined("")),
    "a column of words": (sentences, of_words, joined("")),
    "words with their sentence": (sentences, with_text, joined("")),
    "a sentence a row": (sentences, a_sentence_a_row, joined("text,tags\n")),
    "a word a row": (sentences, a_word_a_row, joined("word,tag\n")),
    "lines of JSON with offsets": (rows, with_triples, lines),
    "lines of JSON with mentions": (rows, dict, lines),
    "lines of JSON with inclusive ends": (rows, with_inclusive_ends, lines),
    "lines of JSON with tokens": (rows, with_tokens, lines),
    "an array on one line": (rows, with_much_else, array),
    "documents": (rows, dict, documents),
    "an indented document": (rows, dict, short_lines),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(("parts", "part_of", "form"), FORMS.values(), ids=FORMS)
def test_reading_takes_three_times_the_size_of_the_file_beyond_the_sentences(
    parts, part_of, form, tmp_path
):
    """Of the peak of a process of its own, which keeps every sentence of the file."""
    found = so_many(parts(), part_of)
    file = tmp_path / "train.txt"
    file.write_text(form(found))
    command = [sys.executable, "-m", "tests.corpus.formats.peak_of_reading", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    beyond, kept = map(int, ended.stdout.split())
    assert kept == len(found)
    assert beyond < AT_MOST * file.stat().st_size, f"{beyond / file.stat().st_size:.1f} times"
