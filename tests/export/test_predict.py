"""Tagging files, from any URL to any URL, a chunk at a time."""

import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from job.errors import ArgumentError, DataError
from job.export.tagger import Tagger
from job.export.text_io import TextLine
from job.predict import in_chunks, predict
from tests.cloud.test_preemption import until
from tests.support.tagged import SENTENCE, TAGGED, upload
from tests.support.tiny import LABELS


def test_memory_is_bounded_by_the_chunk(output, tmp_path, monkeypatch):
    """Tagging itself is replaced: what is measured is what the loop keeps."""

    def load(*_):
        return SimpleNamespace(label_map=LABELS, tag=lambda texts: [()] * len(texts))

    monkeypatch.setattr(Tagger, "load", load)
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("가나다라마바사 " * 100 + "\n" * 9)
    with source.open("a") as stream:
        for _ in range(40_000):
            stream.write("가나다라마바사 " * 30 + "\n")
    tracemalloc.start()
    predict(str(output), str(source), str(out), cache_dir=tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.stat().st_size > 50e6
    assert peak < 15e6


def test_chunks_are_cut_by_lines_and_by_characters():
    """At most 1,024 lines or about a million characters, and none is lost."""
    lines = [TextLine(n, "가" * 300_000) for n in range(9)]
    lines += [TextLine(n, "") for n in range(9, 3000)]
    chunks = list(in_chunks(lines))
    assert [len(chunk) for chunk in chunks] == [4, 4, 1024, 1024, 944]
    assert [line for chunk in chunks for line in chunk] == lines


def test_every_end_may_be_a_url(output, memory, tmp_path):
    """Model, input and output; nothing else is left in the store."""
    upload(output, memory, "/bucket/output")
    memory.pipe("/bucket/in.txt", f"{SENTENCE}\n".encode())
    for model in ("memory://bucket/output", "memory://bucket/output/model"):
        predict(model, "memory://bucket/in.txt", "memory://bucket/out.txt", cache_dir=tmp_path)
        assert memory.cat("/bucket/out.txt").decode() == f"{TAGGED}\n"
    assert memory.ls("/bucket", detail=False) == [
        "/bucket/in.txt",
        "/bucket/out.txt",
        "/bucket/output",
    ]


def test_a_remote_output_of_an_earlier_run_outlives_a_failure(output, memory, tmp_path):
    """OUT is replaced whole or not at all."""
    memory.pipe("/bucket/out.txt", b"of an earlier run")
    (tmp_path / "in.txt").write_bytes(b"\n" * 3000 + b"\0")
    with pytest.raises(DataError):
        predict(
            str(output), str(tmp_path / "in.txt"), "memory://bucket/out.txt", cache_dir=tmp_path
        )
    assert memory.cat("/bucket/out.txt") == b"of an earlier run"
    assert memory.ls("/bucket", detail=False) == ["/bucket/out.txt"]


@pytest.mark.parametrize(("count", "lines"), [(1, "1 line tagged"), (2, "2 lines tagged")])
def test_the_lines_are_counted_in_words_that_fit(output, tmp_path, caplog, count, lines):
    """One line is a line, several are lines."""
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("홍길동\n" * count)
    with caplog.at_level("INFO"):
        predict(str(output), str(source), str(out), cache_dir=tmp_path)
    assert f"{out}: {lines} in " in caplog.text


def test_a_missing_input_is_named(output, tmp_path):
    """A file or an object that is not there, or a folder, before OUT is made."""
    for name in (str(tmp_path / "nope.txt"), "memory://nope.txt"):
        with pytest.raises(ArgumentError, match="there is no such file"):
            predict(str(output), name, str(tmp_path / "out"), cache_dir=tmp_path)
    with pytest.raises(ArgumentError, match="is a directory"):
        predict(str(output), str(tmp_path), str(tmp_path / "out"), cache_dir=tmp_path)
    assert not (tmp_path / "out").exists()


CLIENT = """
import sys
from pathlib import Path
from job.errors import JobError
from job.predict import in_chunks, predict
try:
    predict(sys.argv[1], "-", "-", cache_dir=Path(sys.argv[2]))
except JobError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def client(output, tmp_path, **pipes):
    root = Path(__file__).parent.parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(output), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **pipes,
    )


def test_standard_input_goes_to_standard_output(output, tmp_path):
    """`-` for both, with blank lines kept and nothing else printed."""
    out, err = client(output, tmp_path).communicate(f"{SENTENCE}\n\n".encode(), timeout=120)
    assert out.decode() == f"{TAGGED}\n\n", err.decode()


def test_a_reader_that_leaves_early_ends_it_without_a_word(output, tmp_path):
    """As SIGPIPE ends other programs: 141, and nothing on standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "job", "predict", "-", "-", f"--downstream_model_dir={output}"],
        cwd=Path(__file__).parent.parent.parent,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    process.stdin.write("가나다\n".encode() * 5000)
    process.stdin.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(120), err) == (141, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_leaves_nothing_of_out(output, tmp_path, number):
    """Ctrl-C or SIGTERM while it waits for more lines: 130 or 143, one line, no piece of OUT."""
    out = tmp_path / "tagged" / "out.txt"
    words = ["predict", "-", str(out), f"--downstream_model_dir={output}", "--accelerator=cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "job", *words, f"--cache_dir={tmp_path / 'cache'}"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        until(lambda: out.parent.exists() and list(out.parent.iterdir()), timeout_s=60)
        process.send_signal(number)
        told = process.stderr.read()
    assert (process.returncode, told.count("\n")) == (128 + number, 1), told
    assert f"Stopped by {number.name}" in told
    assert list(out.parent.iterdir()) == []
