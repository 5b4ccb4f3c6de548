"""JSON Lines: the job's own, and those that doccano imports."""

import json

from job.corpus.writers.writer import Found, Writer, put_text, utf16_offsets
from job.sentence import Sentence

# Legal inside a JSON string, but some readers take them for the end of a line.
LINE_BREAKS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
# What it was annotated with would contradict the model's spans.
REPLACED = frozenset({"entities"})


def in_json(value: object) -> str:
    """The value on one line, in whatever way its reader looks for lines."""
    return json.dumps(value, ensure_ascii=False).translate(LINE_BREAKS)


def _of_the_job(sentence: Sentence, found: Found | None) -> str:
    said: dict[str, object] = {"text": sentence.text, "spans": sentence.spans}
    if found:
        fields = {name: found.fields[name] for name in found.fields if name not in REPLACED}
        said = {**fields, **said, "scores": found.rounded_scores}
    return in_json(said) + "\n"


def _of_doccano(sentence: Sentence, _: Found | None) -> str:
    """As doccano exports it: the list of comments tells that the offsets count UTF-16.

    https://doccano.github.io/doccano/tutorial/ ("label" is the key that its import looks for)
    """
    count = utf16_offsets(sentence.text)
    labels = [[count(start), count(end), type_] for start, end, type_ in sentence.spans]
    return in_json({"text": sentence.text, "label": labels, "Comments": []}) + "\n"


JSON_LINES = Writer("jsonl", ".jsonl", _of_the_job, put_text)
DOCCANO = Writer("doccano", ".jsonl", _of_doccano, put_text)
