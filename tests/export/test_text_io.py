"""Lines in and lines out: every line answered in order, nothing half-written."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from job.errors import DataError, OutputError
from job.export import text_io
from job.export.text_io import open_output
from job.predict import predict
from job.signals import Stopped
from tests.support.tagged import SCORES, SENTENCE, SPANS, TAGGED


def test_plain_lines_become_the_tutorials_lines(run):
    """`sentence␞tagged`, one for each line, and they are counted."""
    assert run(f"{SENTENCE}\n만났다\n") == f"{TAGGED}\n만났다␞만났다\n"
    assert run.count == 2


def test_a_name_in_jsonl_gives_json_lines(run):
    """With text and spans; a blank line gives an empty text."""
    written = run(f"{SENTENCE}\n\n", out_name="out.jsonl")
    assert [json.loads(line) for line in written.splitlines()] == [
        {"text": SENTENCE, "spans": SPANS, "scores": SCORES},
        {"text": "", "spans": [], "scores": []},
    ]


def test_the_left_side_of_the_tutorials_lines_is_tagged(run):
    """What stood to the right of ␞ is ignored."""
    assert run(f"{SENTENCE}␞<김:LOC>anything\n") == f"{TAGGED}\n"


def test_json_lines_are_recognised_by_their_content(run):
    """By the first line that is not blank; other fields are ignored."""
    lines = [{"text": SENTENCE, "id": 7}, {"text": "왔다", "spans": [[0, 1, "X"]]}]
    content = "\n" + "\n".join(json.dumps(line) for line in lines)
    assert run(content) == f"\n{TAGGED}\n왔다␞왔다\n"


def test_lines_keep_their_number_and_order_whatever_they_hold(run):
    """Blank lines, other separators and byte-order marks, too."""
    lines = [
        SENTENCE,
        "",
        "  ",
        "",
        *["가", "", "나"] * 900,
        "\u2028가\x0b\x85나",
        "a\rb",
        "\ufeff",
        "",
    ]
    written = run("\n".join(lines) + "\n").split("\n")
    assert written.pop() == ""
    lines = [line.removeprefix("\ufeff") for line in lines]  # as from a corpus
    assert [line.split("␞")[0] for line in written] == lines
    assert [line for line in written if not line.split("␞")[0]] == [""] * lines.count("")


def test_a_line_of_json_is_one_line_to_every_reader(run):
    """Signs that JSON allows in a string, and that some readers end a line at, are escaped."""
    text = "가\x85나\u2028다\u2029라"
    [line] = run(f"{text}\n", out_name="out.jsonl").splitlines()
    assert json.loads(line)["text"] == text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ""),
        ("\n", "\n"),
        ("가", "가␞가\n"),
        ("\ufeff가\r\n나\r\n", "가␞가\n나␞나\n"),
        ("{not json\n", "{not json␞{not json\n"),
    ],
)
def test_line_ends_and_byte_order_marks_are_no_text(run, content, expected):
    """Windows' line ends and a missing last one change no sentence."""
    assert run(content) == expected


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"\xff\xfe\xed", "byte 1 is not UTF-8"),
        (b"\xea\xb0\x80\xed\xa0\x80", "byte 4 is not UTF-8"),
        (b"a\0b", "NUL"),
        ("가␞나␞다".encode(), "more than one ␞"),
    ],
)
def test_a_line_that_is_no_text_stops_with_its_number_and_leaves_nothing(run, tmp_path, line, says):
    """The output of an earlier run stays as it was."""
    (tmp_path / "out.txt").write_text("of an earlier run")
    with pytest.raises(DataError, match=rf"in\.txt:1502:? .*{says}"):
        run(b"\n" * 1501 + line + b"\n")
    assert (tmp_path / "out.txt").read_text() == "of an earlier run"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.txt", "out.txt"]


@pytest.mark.parametrize(
    "line", ['{"text": 5}', '{"txt": "a"}', "plain", "[]", '{"text": "\\ud800"}', '{"text": "a"']
)
def test_a_line_that_is_no_json_object_with_a_text_stops_with_its_number(run, line):
    """Once the first line is one, each has to be."""
    with pytest.raises(DataError, match=r"in\.txt:2 is not a JSON object"):
        run('{"text": "a"}\n' + line)


@pytest.mark.parametrize("text", ["가\n나", "가␞나"])
def test_a_text_that_the_tutorials_format_cannot_hold_asks_for_json_lines(run, text):
    """A line end or a ␞ in a text fits into `.jsonl` only."""
    content = json.dumps({"text": text})
    with pytest.raises(DataError, match=r"in\.txt:1: .*\.jsonl"):
        run(content)
    assert json.loads(run(content, out_name="out.jsonl"))["text"] == text


def test_an_overlong_line_is_refused_before_it_fills_the_memory(run, monkeypatch):
    """The limit is checked while the line is read."""
    monkeypatch.setattr(text_io, "LONGEST_LINE_BYTES", 3 << 20)
    with pytest.raises(DataError, match=r"in\.txt:2 is longer than 3 MiB"):
        run("가\n" + "a" * (5 << 20))


def test_input_and_output_may_be_the_same_file(run):
    """It is read to its end before it is replaced."""
    assert run(f"{SENTENCE}\n", in_name="same.txt", out_name="same.txt") == f"{TAGGED}\n"


def test_a_link_stays_a_link_and_its_target_is_replaced(run, tmp_path):
    """OUT that is a link still is one afterwards."""
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "out.txt").symlink_to("target.txt")
    assert run("가") == "가␞가\n"
    assert (tmp_path / "out.txt").is_symlink()


def test_a_pipe_is_written_to_and_not_replaced(run, tmp_path):
    """A named pipe as OUT stays a pipe."""
    os.mkfifo(tmp_path / "out.txt")
    read = []
    reader = threading.Thread(
        target=lambda: read.append((tmp_path / "out.txt").read_bytes()), daemon=True
    )
    reader.start()
    (tmp_path / "in.txt").write_text("가\n")
    with open_output(str(tmp_path / "out.txt")) as stream:
        stream.write(b"line\n")
    reader.join(10)
    assert read == [b"line\n"]
    assert (tmp_path / "out.txt").is_fifo()


@pytest.mark.parametrize("out", ["file/below", "folder"])
def test_an_output_that_cannot_be_written_is_named(run, tmp_path, out):
    """A file where a folder has to be, or a folder where a file has to be."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=out):
        run("가", out_name=out)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_named_and_not_taken_for_a_fault_of_the_input(output, tmp_path):
    """It is an OutputError with the path."""
    (tmp_path / "in.txt").write_text("가\n")
    with pytest.raises(OutputError, match="/dev/full cannot be written"):
        predict(str(output), str(tmp_path / "in.txt"), "/dev/full", cache_dir=tmp_path)


def test_a_stop_in_the_moment_that_out_is_opened_leaves_nothing(tmp_path, monkeypatch):
    """The signal comes between the file and the block that is to remove it."""
    opened = Path.open

    def open_and_stop(path, *arguments, **options):
        opened(path, *arguments, **options).close()
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr(Path, "open", open_and_stop)
    with pytest.raises(Stopped), open_output(str(tmp_path / "out.txt")):
        pass
    assert list(tmp_path.iterdir()) == []
