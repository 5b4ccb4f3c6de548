"""Integer tags are named by a file beside the split."""

import json

import pytest

from job.errors import DataError
from job.sentence import Span

NAMES = {"names": ["O", "B-PER"], "_type": "ClassLabel"}
OTHER_NAMES = {"names": ["NN", "B-VP"], "_type": "ClassLabel"}


@pytest.mark.parametrize(
    ("companion", "content"),
    [
        ("label_names__txt", "O\r\nB-PER\r\n"),
        (
            "dataset_info__json",
            {"features": {"pos_tags": {"feature": OTHER_NAMES}, "ner_tags": {"feature": NAMES}}},
        ),
        (
            "dataset_info__json",
            {"features": [{"name": "pos", "x": OTHER_NAMES}, {"name": "ner_tags", "x": NAMES}]},
        ),
    ],
)
def test_integer_tags_are_named_by_the_file_beside_them(load, write, companion, content):
    """label_names.txt, or the ner_tags of dataset_info.json in either of its shapes."""
    content = content if isinstance(content, str) else json.dumps(content)
    rows = [json.dumps({"tokens": ["김", text], "ner_tags": [1, 0]}) for text in "가나"]
    write(train__jsonl=rows[0], val__jsonl=rows[1], **{companion: content})
    assert load().val.sentences[0].spans == (Span(0, 1, "PER"),)


def test_a_blank_within_a_name_shifts_no_other_name(load, write):
    """The third name is that of 2, however many words the one before it has."""
    rows = [json.dumps({"tokens": ["김", text], "ner_tags": [2, 0]}) for text in "가나"]
    for names in ("O\nB-work of art\nB-PER\n", "O B-ART B-PER", "O\n\nB-ART\nB-PER\n\n"):
        write(train__jsonl=rows[0], val__jsonl=rows[1], label_names__txt=names)
        assert load().val.sentences[0].spans == (Span(0, 1, "PER"),)


def test_names_in_another_encoding_are_refused(load, write):
    """A type of replacement characters would be learned as if it were one."""
    row = json.dumps({"tokens": ["김"], "ner_tags": [1]})
    folder = write(train__jsonl=row, val__jsonl=row)
    (folder / "label_names.txt").write_bytes("O\nB-인물\n".encode("cp949"))
    with pytest.raises(DataError, match=r"label_names\.txt beside .* is not UTF-8"):
        load()


def test_integer_tags_are_named_on_the_web_and_in_a_store_too(load, server, memory):
    """Without the file, the corpus is refused there as well."""
    row = json.dumps({"tokens": ["김", "가"], "ner_tags": [1, 0]}).encode()
    files = {"mine/train.jsonl": row, "mine/val.jsonl": row}
    names = {"mine/label_names.txt": b"O\nB-PER\n"}
    server.files |= files
    with pytest.raises(DataError, match=r"label_names\.txt"):
        load(root_url=f"{server.url}/files")
    server.files |= names
    assert load(root_url=f"{server.url}/files").val.sentences[0].spans == (Span(0, 1, "PER"),)
    memory.pipe({f"/c/{name}": data for name, data in (files | names).items()})
    assert load(root_url="memory://c").val.sentences[0].spans == (Span(0, 1, "PER"),)
