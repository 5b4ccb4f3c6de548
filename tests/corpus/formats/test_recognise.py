"""The bytes and lines of a file, and the format that they are in, or why they are in none."""

import gc
import re
import unicodedata
from contextlib import suppress

import pytest

from job.corpus.formats.format import CorpusFile, Options
from job.corpus.formats.recognise import parse
from job.errors import DataError
from job.sentence import Span
from tests.support.sentences import (
    only,
    read,
)


def test_a_byte_order_mark_and_crlf_are_dropped_and_noted():
    """Neither is text, and the log says that each was there."""
    parsed = read(b"\xef\xbb\xbf" + "가␞<가:PS>\r\n나␞나\r\n".encode())
    assert [sentence.text for sentence in parsed.sentences] == ["가", "나"]
    assert len(parsed.notes) == 2


def test_a_note_that_many_files_share_is_said_once():
    """A corpus of a thousand files from Windows has one line of it, not a thousand."""
    files = [CorpusFile(f"{i}.txt", "가␞<가:PS>\r\n".encode()) for i in range(3)]
    [note] = parse(files, Options()).notes
    assert note.startswith("in each of 3 files: lines end in CRLF")


def test_only_a_line_feed_ends_a_line():
    """Other separators of Unicode, and CR inside a line, are text."""
    text = "가\u2028나\u0085다\x0b라\x1c마\r바"
    assert only(read(f"{text}␞{text}\n")).text == text


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n \n"])
def test_blank_lines_and_the_end_are_no_sentences(end):
    """They count as lines, so that the others keep their numbers."""
    parsed = read(f"\n가␞가\n\n나␞나{end}")
    assert [(s.text, s.line) for s in parsed.sentences] == [("가", 2), ("나", 4)]
    assert not parsed.rejected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),  # a lone surrogate
        (b"\xea\xb0", "not UTF-8"),  # a cut syllable
        (b"\xc0\x80", "not UTF-8"),  # an overlong NUL
        (b"a\0", "NUL character"),
    ],
)
@pytest.mark.parametrize("form", ["{0}␞{0}", "{0}\tO\n", '{{"text": "{0}", "spans": []}}'])
def test_a_line_that_is_no_text_is_rejected_and_the_rest_is_read(bad, reason, form):
    """In every format, with the line's number; the others are kept."""
    good = form.format("가").encode()
    damaged = form.format("XX").encode().replace(b"XX", bad)
    parsed = read(b"\n".join([good, good, damaged, good]))
    assert [row.reason for row in parsed.rejected] == [reason]
    assert [sentence.text for sentence in parsed.sentences] == ["가", "가", "가"]
    line = damaged.split(b"\n")[0]
    lines = b"\n".join([good, good, damaged, good]).split(b"\n")
    assert lines[parsed.rejected[0].line - 1] == line


def test_decomposed_text_is_kept_and_noted():
    """Offsets count its code points as they are, and a note says that it is NFD."""
    text = unicodedata.normalize("NFD", "김이 왔다")
    parsed = read(f"{text}␞<{text[:3]}:PS>{text[3:]}\n")
    assert only(parsed).spans == (Span(0, 3, "PS"),)
    assert any("NFD" in note for note in parsed.notes)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_recognised_and_converted_by_the_command_given(encoding):
    """The error holds an iconv command that gives the text back."""
    text = "1\t한국은행\tORG_B\n2\t총재가\t-\n3\t말했다\t-\n\n" * 20
    with pytest.raises(DataError) as raised:
        read(text.encode(encoding))
    named = re.search(r"iconv -f (\S+) -t UTF-8 f.txt > f.txt.utf8", str(raised.value))[1]
    assert text.encode(encoding).decode(named).lstrip("\ufeff") == text


def test_a_few_damaged_lines_are_not_another_encoding():
    """A UTF-8 file with two cut lines rejects two sentences."""
    good = "한국은행 총재가 말했다.␞<한국은행:ORG> 총재가 말했다.\n".encode()
    parsed = read(good[:10] + b"\xff" + good[10:] + good[:7] + good[9:] + good)
    assert len(parsed.rejected) == 2


def test_a_damaged_line_that_would_also_decode_as_korean_is_rejected_alone():
    """A cut syllable that is a CP949 character does not make the file CP949."""
    damaged = "경기 기자 만났다".encode().replace("났".encode(), b"\xeb\xac")
    assert "쎄" in damaged.decode("cp949")
    parsed = read(b"a\tO\n\n" + damaged + b"\tO\n\n")
    assert [row.reason for row in parsed.rejected] == ["not UTF-8"]


def test_a_few_lines_in_the_older_encoding_are_rejected_alone():
    """One CP949 line among UTF-8 ones is one rejected sentence."""
    good, old = "한국은행␞<한국은행:ORG>\n".encode(), "한국은행 총재\n".encode("cp949")
    assert len(read(good * 3 + old).rejected) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"7z\xbc\xaf'\x1c\0\0", "7z x"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "git lfs pull"),
        ("가␞가\r나␞나\r".encode(), "CR alone"),
        (b"<!DOCTYPE html>\n<html></html>", "HTML page"),
        ("그냥 글이다.\n또 글이다.\n".encode(), "no format that is known"),
        (b"\xff\n\xff\n", "no line of UTF-8"),
        (b"\0\0\0\0", "no line of UTF-8"),
    ],
)
def test_a_file_that_is_no_corpus_is_refused_with_its_name(data, words):
    """What it is, or that it is unknown, is in the one error."""
    with pytest.raises(DataError, match=re.escape(words)) as raised:
        read(data)
    assert "f.txt" in str(raised.value)


def test_the_format_is_told_by_content_and_not_by_first_characters():
    """`[`, `{` or `<` at the start of a line decides nothing."""
    assert "tagged" in read("[속보] 김이 왔다␞[속보] <김:PER>이 왔다\n").format
    assert "tagged" in read("<html>이 뭐냐␞<html>이 뭐냐\n").format
    assert "tagged" in read("{가}␞{가}\n").format
    assert "columns" in read("{\tO\n}\tO\n").format
    assert read("가␞가\n").why == "all of its lines hold ␞"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("가␞<가:PS>\n", "나␞다\n"),
        ("가\tB-PS\n\n", "나\t다\n\n"),
        ('{"text": "가", "spans": [[0, 1, "PS"]]}\n', '{"text": "나", "spans": [[0, 2, "PS"]]}\n'),
        ('{"tokens": ["가"], "ner_tags": ["B-PS"]}\n', '{"tokens": ["나"], "ner_tags": []}\n'),
        ("가␞<가:PS>\n", "\u200b나␞<\u200b:PS>나\n"),  # refused when the edges are settled
    ],
)
def test_what_was_read_and_what_was_rejected_know_their_file_and_line(good, bad):
    """So that a message can name the place, whatever the format."""
    parsed = read(good * 4 + bad)
    assert parsed.sentences[1].place == f"f.txt:{1 + good.count(chr(10))}"
    assert [row.place for row in parsed.rejected] == [f"f.txt:{1 + 4 * good.count(chr(10))}"]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("data", ["가␞<가:PS>\n", '{"tokens": ["가"], "ner_tags": [1]}\n'])
def test_pythons_collector_is_left_as_it_was(data, enabled):
    """It stands still while a file is read, also where that ends with an error."""
    was_enabled = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with suppress(DataError):
            read(data)
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
