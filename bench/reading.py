"""CPU seconds of reading one corpus in each of the forms that people have.

    python -m bench.reading CORPUS_FOLDER [--rounds 3]

The train split of CORPUS_FOLDER is written in every form and read from memory; the best of the
rounds counts. To compare two versions, run both in turns on one machine.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.kmou import read
from job.corpus.formats.format import CorpusFile, Options
from job.corpus.formats.recognise import parse
from job.corpus.formats.tutorial import to_tagged
from job.sentence import Sentence


def tutorial(sentence: Sentence) -> str:
    """sentence␞tagged"""
    return to_tagged(sentence)


def spans(sentence: Sentence) -> str:
    """JSON Lines with offsets."""
    found = [[span.start, span.end, span.type] for span in sentence.spans]
    return json.dumps({"text": sentence.text, "spans": found}, ensure_ascii=False)


def mentions(sentence: Sentence) -> str:
    """JSON Lines whose spans name their mentions."""
    found = [
        {"start": s.start, "end": s.end, "label": s.type, "text": sentence.text[s.start : s.end]}
        for s in sentence.spans
    ]
    return json.dumps({"text": sentence.text, "entities": found}, ensure_ascii=False)


def characters(sentence: Sentence) -> str:
    """A column of characters and one of tags, as KLUE has them."""
    tags = ["O"] * len(sentence.text)
    for start, end, type_ in sentence.spans:
        tags[start:end] = [f"B-{type_}", *[f"I-{type_}"] * (end - start - 1)]
    return "\n".join(map("\t".join, zip(sentence.text, tags, strict=True))) + "\n"


FORMS: dict[str, Callable[[Sentence], str]] = {
    "tutorial": tutorial,
    "JSON spans": spans,
    "JSON mentions": mentions,
    "characters": characters,
}


def documents(sentences: Sequence[Sentence]) -> bytes:
    """One JSON document that holds the others, as institutes publish them."""
    rows = [json.loads(mentions(sentence)) for sentence in sentences]
    within = [{"id": f"d.{i}", "sentence": rows[i : i + 50]} for i in range(0, len(rows), 50)]
    return json.dumps({"document": within}, ensure_ascii=False).encode()


def seconds(data: bytes, rounds: int) -> tuple[float, int]:
    """The least CPU seconds of a reading, and the sentences that it gave."""
    taken: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        parsed = parse([CorpusFile("train", data)], Options())
        taken.append(time.process_time() - began)
    return min(taken), len(parsed.sentences)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sentences = read(given.corpus, Path(folder)).train.sentences
    written = {name: "\n".join(map(form, sentences)).encode() for name, form in FORMS.items()}
    written["JSON documents"] = documents(sentences)
    for name, data in written.items():
        taken, count = seconds(data, given.rounds)
        print(f"{name}: {taken:.2f} s for {count} sentences")


if __name__ == "__main__":
    main()
