"""No stream that is closed, full, unread or gone ends a training, or shows a traceback."""

import errno
import fcntl
import io
import logging
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from job.log import set_up_logging
from job.machine import streams
from tests.support.runs import World

ROOT = Path(__file__).parent.parent.parent
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
TO = {"closed": "1>&-", "full": "1>/dev/full", "both closed": "1>&- 2>&-", "all": "0<&- 1>&- 2>&-"}


@pytest.fixture(autouse=True)
def _restore(monkeypatch):
    """What `main` puts in the place of the streams, the log and the hooks."""
    for name in ("stdout", "stderr", "excepthook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def trained(world) -> Path:
    """The output of a finished run."""
    done = shell('"$@"', *world.flags("trained", epochs=1))
    assert done.returncode == 0, done.stdout
    return world.folder / "trained"


def shell(line: str, *words: str, **environ: str) -> subprocess.CompletedProcess:
    """A line of bash in which "$@" is `python -m job` and the words."""
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "job", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
        capture_output=True,
        text=True,
        timeout=280,
    )


def traces(text: str) -> bool:
    return bool(re.search("Traceback|Exception ignored|Logging error", text))


@FULL
@pytest.mark.parametrize("to", list(TO))
def test_training_needs_no_listener(world, to, tmp_path):
    """A closed or full stream costs the log, said once where somebody may read it."""
    done = shell(f'"$@" {TO[to]}', *world.flags(str(tmp_path), epochs=1))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model" / "MANIFEST.json").exists()
    assert len(done.stderr.splitlines()) == (to in ("closed", "full"))
    assert not traces(done.stderr)


def test_training_outlives_its_reader(world, tmp_path):
    """`| head -n 1` gets its line; the run ends well without another."""
    done = shell('"$@" | head -n 1; exit ${PIPESTATUS[0]}', *world.flags(str(tmp_path), epochs=1))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert re.fullmatch(
        r"[\d:]+ WARNING The log cannot be written \(Broken pipe\).*\n", done.stderr
    )
    assert (tmp_path / "model" / "MANIFEST.json").exists()


@pytest.mark.parametrize("words", [["--help"], ["--print_settings"], ["check"]], ids=" ".join)
def test_a_command_that_only_prints_ends_with_its_reader(words, world, tmp_path):
    """As SIGPIPE would end it, without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    flags = world.flags(str(tmp_path)) if words == ["check"] else []
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "job", *words, *flags],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (141, "")
    assert not list(tmp_path.iterdir())


@FULL
@pytest.mark.parametrize(("to", "why"), [("full", "No space left"), ("closed", "Bad file")])
def test_what_was_asked_for_and_cannot_be_printed_is_a_failure(to, why):
    """`--help` says so on standard error and exits with 73."""
    done = shell(f'"$@" {TO[to]}', "--help")
    assert done.returncode == 73
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [
        ("0<&-", 64, "standard input is closed"),
        ("1>&-", 73, "standard output is closed"),
        ("2>&-", 0, ""),
    ],
)
def test_a_prediction_names_the_closed_stream_that_it_needs(to, code, said, trained):
    """IN and OUT are needed, the log is not."""
    line = f'"$@" {to}' if to == "0<&-" else f'echo 서울 | "$@" {to}'
    done = shell(line, "predict", "-", "-", f"--downstream_model_dir={trained}")
    assert done.returncode == code
    assert (len(done.stderr.splitlines()), said in done.stderr) == (bool(code), True)


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
    ],
    ids=lambda environ: next(iter(environ.values())),
)
def test_what_a_stream_cannot_encode_is_escaped(environ):
    """A wrong argument in Korean is told on standard error, and a setting on standard output."""
    wrong = shell('"$@"', "--epochs=하나", **environ)
    assert (wrong.returncode, traces(wrong.stderr)) == (64, False)
    assert re.search(r"(\\u[0-9a-f]{4}){2}", wrong.stderr)
    table = shell('"$@"', "--print_settings", "--downstream_corpus_name=말뭉치", **environ)
    assert table.returncode == 0, table.stderr
    assert re.search(r"(\\u[0-9a-f]{4}){3}", table.stdout)


def test_a_locale_of_ascii_still_takes_korean_arguments(tmp_path):
    """Names of corpora and folders are read as they were typed."""
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    flags = ["--downstream_corpus_name=말뭉치", f"--downstream_model_dir={tmp_path}/출력"]
    table = shell('"$@"', "--print_settings", *flags, **environ)
    assert (table.returncode, table.stderr) == (0, "")
    assert "말뭉치" in table.stdout
    assert f"{tmp_path}/출력" in table.stdout


class Broken(io.TextIOBase):
    """Fails at every write, and counts them."""

    def __init__(self, error: Exception):
        self.error, self.tries = error, 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise self.error


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EIO, "Input/output error"), OSError(errno.ENOSPC, "full"), ValueError("closed")],
    ids=lambda error: str(error),
)
def test_a_stream_is_tried_once(error, capfd):
    """What fails once is left alone: no log line, no warning and no print reaches it again."""
    broken = Broken(error)
    set_up_logging("text", streams.Outlet(broken), is_terminal=False)
    for number in range(3):
        logging.getLogger("job").info("line %d", number)
    assert broken.tries == 1
    assert not traces(capfd.readouterr().err)


def test_what_libraries_and_children_print_goes_nowhere_then():
    """A descriptor without a reader would end a child process by SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        outlet = streams.Outlet(stream)
        print("lost", file=outlet, flush=True)
        assert os.write(writer, b"past Python") == 11
        assert streams.failure_of(outlet) == "Broken pipe"


def test_a_slow_reader_gets_everything():
    """A pipe that somebody made non-blocking is made to wait again."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    got = []
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        outlet = streams.Outlet(stream)
        slow = threading.Thread(target=lambda: got.append(Path(f"/dev/fd/{reader}").read_text()))
        threading.Timer(0.2, slow.start).start()
        for _ in range(300):
            print("가" * 1000, file=outlet, flush=True)
    while not got:
        time.sleep(0.01)
    os.close(reader)
    assert got[0].split() == ["가" * 1000] * 300


def test_a_line_whose_values_do_not_fit_is_a_line():
    """A library's mistake in a log call shows no traceback."""
    stream = io.StringIO()
    handler = set_up_logging("text", stream, is_terminal=False)
    record = {"msg": "%d of %s", "args": ("one",), "levelno": logging.WARNING}
    handler.handle(logging.makeLogRecord(record))
    assert stream.getvalue().endswith("WARNING %d of %s ('one',)\n")


def test_no_file_gets_the_number_of_a_closed_stream():
    """What a library prints past Python must not go into a file of the run."""
    code = (
        "import os, sys; from job.machine import streams; streams.secure()\n"
        "fd = os.open('/dev/null', os.O_RDONLY); sys.exit(fd if sys.stdin is None else 1)"
    )
    line = f'exec "{sys.executable}" -c "$0" 0<&- 1>&- 2>&-'
    done = subprocess.run(["bash", "-c", line, code], cwd=ROOT)
    assert done.returncode >= 3


def on_a_terminal(words: list[str], columns: int = 0, **environ: str):
    """`python -m job` on a terminal of its own, and the other end of that terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "job", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    return process, ours


def read_until(terminal: int, text: str) -> str:
    seen = b""
    while text.encode() not in seen:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    return seen.decode()


@pytest.mark.parametrize("ignored", [False, True], ids=["terminal", "nohup"])
def test_a_terminal_that_hangs_up(ignored, world, tmp_path):
    """The run saves and leaves with 129; one that was started to outlive it trains to its end."""
    words = world.flags(str(tmp_path), epochs=40 if not ignored else 3)
    before = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        process, terminal = on_a_terminal(words)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "epoch 1/" in read_until(terminal, "epoch 1/")
    os.close(terminal)
    assert process.wait(120) == (0 if ignored else 129)
    assert (tmp_path / "model").exists() is ignored
    assert list((tmp_path / "checkpoints").glob("step=*/MANIFEST.json"))


@pytest.mark.parametrize("term", ["dumb", ""], ids=["dumb", "unknown"])
def test_a_terminal_that_cannot_erase_gets_lines(term, world, tmp_path):
    """TERM=dumb: each state of the progress is a line of the log, without control characters."""
    words = world.flags(str(tmp_path), epochs=1)
    process, terminal = on_a_terminal(words, TERM=term, NO_COLOR="1")
    shown = read_until(terminal, "gcloud")
    assert process.wait(120) == 0
    os.close(terminal)
    assert "epoch 1/1" in shown
    assert "\x1b" not in shown


def test_a_terminal_without_a_size_gets_the_progress_line(world, tmp_path):
    """Zero columns are taken for eighty, and no colours are sent."""
    process, terminal = on_a_terminal(world.flags(str(tmp_path), epochs=1), columns=0)
    shown = read_until(terminal, "gcloud")
    assert process.wait(120) == 0
    os.close(terminal)
    assert "\r\x1b[Kepoch 1/1, step 1/" in shown
    assert not re.search(r"\x1b\[[0-9;]*m", shown)
