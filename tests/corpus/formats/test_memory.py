"""The memory that reading JSON takes, beside the sentences that are kept."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SIZE = 5_000_000  # bytes of a file
AT_MOST = 3  # times that size
MENTIONS = [("이순신", "PS"), ("한산도", "LC"), ("조선", "OG"), ("1592년", "DT")]
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc"
)


def rows() -> Iterator[dict]:
    """Short sentences without end, each with the mentions that it names and their offsets."""
    for number in range(10**9):
        text, spans = f"{number:,}번", []
        for mention, type_ in MENTIONS[: number % 5]:
            start = len(text) + 1
            text += f" {mention}에서"
            spans.append(
                {"start": start, "end": start + len(mention), "label": type_, "text": mention}
            )
        yield {"text": f"{text} 보았다.", "entities": spans}


def so_many(row_of: Callable[[dict], dict]) -> list[dict]:
    """Rows that fill a file."""
    found, size = [], 0
    for row in rows():
        found.append(row_of(row))
        size += len(json.dumps(found[-1], ensure_ascii=False).encode())
        if size > SIZE:
            return found
    raise AssertionError


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


def lines(found: list[dict]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in found)


def array(found: list[dict]) -> str:
    return json.dumps(found, ensure_ascii=False)


def documents(found: list[dict]) -> str:
    held = [{"id": i, "sentence": found[i : i + 40]} for i in range(0, len(found), 40)]
    return json.dumps({"document": held}, ensure_ascii=False)


def short_lines(found: list[dict]) -> str:
    return json.dumps({"data": found}, ensure_ascii=False, indent=1)


@pytest.mark.parametrize(
    ("row_of", "form"),
    [
        (with_triples, lines),
        (dict, lines),
        (with_inclusive_ends, lines),
        (with_tokens, lines),
        (dict, array),
        (dict, documents),
        (dict, short_lines),
    ],
    ids=lambda function: function.__name__,
)
def test_reading_takes_three_times_the_size_of_the_file_beyond_the_sentences(
    row_of, form, tmp_path
):
    """The bytes of the file are counted among these, and every sentence of it is kept."""
    found = so_many(row_of)
    file = tmp_path / "train.json"
    file.write_text(form(found))
    command = [sys.executable, "-m", "tests.corpus.formats.peak_of_reading", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    beyond, kept = map(int, ended.stdout.split())
    assert kept == len(found)
    assert beyond < AT_MOST * file.stat().st_size, f"{beyond / file.stat().st_size:.1f} times"
