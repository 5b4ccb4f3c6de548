"""A signal ends the job: at once where nothing is held, else by an exception that is not lost."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from job.errors import EXIT_INTERRUPTED, EXIT_TERMINATED, IncompatibleError

HEAD = """
import atexit, gc, os, signal, sys, time, weakref
from job.signals import Stopped, StopRequest
stop = StopRequest(as_json="json" in sys.argv)
stop.install()
def ask(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
def until_stopped():
    for _ in range(1000):
        time.sleep(0.01)
    print("never stopped")
"""


def run(program: str, *words: str, path: Path | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program, *words],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": str(path or "")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_where_nothing_is_held_it_leaves_at_once(number):
    """One line and 130 or 143; nothing of what stands behind runs, not even what runs at exit."""
    program = f"""
atexit.register(print, "at exit")
try:
    ask({int(number)})
except BaseException:
    print("an exception")
print("went on")
"""
    told = f"Stopped by {number.name}.\n"
    assert run(program) == (128 + number, "", told)
    code, said, told = run(program, "json")
    assert (code, told) == (128 + number, "")
    line = json.loads(said)
    assert (line["severity"], line["message"]) == ("WARNING", f"Stopped by {number.name}.")


def test_a_reader_of_the_log_that_is_stuck_keeps_nobody():
    """A full pipe: the line is left out, and the process still leaves."""
    program = """
readable, writable = os.pipe()
os.set_blocking(writable, False)
try:
    while True:
        os.write(writable, b"x" * 65536)
except BlockingIOError:
    os.set_blocking(writable, True)
os.dup2(writable, 2)
ask()
"""
    assert run(program) == (EXIT_TERMINATED, "", "")


def test_another_signal_does_not_cut_the_line_off():
    """A signal that comes while the line is written is one too many."""
    program = """
def tell(text):
    ask(signal.SIGTERM)
    ask(signal.SIGINT)
    print(text, flush=True)
stop.tell = tell
ask(signal.SIGINT)
"""
    assert run(program) == (EXIT_INTERRUPTED, "Stopped by SIGINT.\n", "")


@pytest.mark.parametrize(
    "swallowing",
    [
        "import swallows\n",
        "class Gone:\n    def __del__(self):\n        ask()\nGone()\n",
        "class Gone: pass\ngone = Gone()\nkept = weakref.ref(gone, lambda _: ask())\ndel gone\n",
        "try:\n    ask()\nexcept BaseException:\n    pass\n",
    ],
    ids=["import", "__del__", "weak reference", "except"],
)
def test_it_is_raised_again_where_it_would_be_lost(swallowing, tmp_path):
    """In an import, in a finaliser, in a callback, in code that catches everything: Stopped comes
    through to where it is waited for, and no traceback is printed on the way."""
    swallows = (
        "import os, signal\ntry:\n    os.kill(os.getpid(), 15)\n    for _ in range(9): pass\n"
    )
    swallows += "except BaseException as error:\n    raise ImportError('broken') from error\n"
    (tmp_path / "swallows.py").write_text(swallows)
    program = f"stop.raise_from_here()\ntry:\n    exec({swallowing!r})\n    until_stopped()\n"
    program += "except Stopped as stopped:\n    print(stopped)\n"
    code, said, told = run(program, path=tmp_path)
    assert (code, said, told) == (0, "Stopped by SIGTERM\n", "")


def test_what_is_given_back_is_not_interrupted():
    """While Stopped is on its way it is not raised again, however long the clean-up takes."""
    program = """
stop.raise_from_here()
try:
    try:
        ask()
    finally:
        try:
            {}["no key"]
        except KeyError:
            time.sleep(0.5)
        time.sleep(0.5)
        print("given back")
except Stopped as stopped:
    print(stopped)
    stop.leave_from_here()
time.sleep(0.5)
print("left")
"""
    assert run(program) == (0, "given back\nStopped by SIGTERM\nleft\n", "")


def test_a_period_that_defers_begins_with_what_is_due():
    """A signal that could not be raised before training is not forgotten in it."""
    program = """
stop.raise_from_here()
stop._look_again = lambda *_: None
try:
    ask()
except BaseException:
    pass
try:
    with stop.deferred():
        print("training")
except Stopped as stopped:
    print(stopped)
"""
    assert run(program) == (0, "Stopped by SIGTERM\n", "")


def test_a_process_that_was_forked_off_says_nothing():
    """Ctrl-C is its parent's to answer, SIGTERM ends it; its parent's files stay."""
    program = """
stop.raise_from_here()
child = os.fork()
if child == 0:
    ask(signal.SIGINT)
    os.write(1, b"still here\\n")
    ask(signal.SIGTERM)
    time.sleep(9)
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), stop.received)
"""
    assert run(program) == (0, "still here\n143 None\n", "")


MAIN = """
from job import commands
from job.__main__ import main
def command(parsed, stop, handler):
    stop.raise_from_here()
    {body}
commands.COMMANDS["check"] = commands.Command("check", commands.Settings, command)
sys.exit(main(["check", "--downstream_corpus_name=sample"], stop))
"""


def test_an_error_that_follows_from_a_stop_is_told_as_the_stop():
    """Code that makes another exception of it does not turn 143 into a fault of the job."""
    body = "exec('try:\\n ask()\\nexcept BaseException as e:\\n raise ValueError(1) from e')"
    code, said, told = run(MAIN.format(body=body))
    assert (code, told) == (EXIT_TERMINATED, "")
    assert said.endswith("WARNING Stopped by SIGTERM.\n")
    assert said.count("\n") == 1


def test_a_failure_that_a_stop_was_made_of_is_told_as_it_is():
    """Where another machine's failure has stopped this one: its exit code and its sentence."""
    body = """
    from job.errors import IncompatibleError
    try:
        ask()
    except Stopped:
        raise IncompatibleError("machine 0 says why") from None
"""
    code, said, told = run(MAIN.format(body=body))
    assert (code, told) == (IncompatibleError.exit_code, "")
    assert said.endswith("ERROR machine 0 says why\n")


def test_after_the_command_nothing_is_held_any_more():
    """A signal while Python takes itself apart ends it by the documented code, without a
    traceback."""
    code, said, told = run(MAIN.format(body="atexit.register(ask); return 0"))
    assert (code, told) == (EXIT_TERMINATED, "")
    assert said.endswith("WARNING Stopped by SIGTERM.\n")


def test_a_second_ctrl_c_breaks_off_a_clean_up_without_a_traceback():
    """What hangs is not waited for: 130."""
    body = "exec('try:\\n ask(2)\\nfinally:\\n ask(2)\\n until_stopped()')"
    code, said, told = run(MAIN.format(body=body))
    assert (code, told) == (EXIT_INTERRUPTED, "")
    assert said.endswith("WARNING Stopped by SIGINT.\n")
    assert "never" not in said


def test_the_first_lines_import_next_to_nothing():
    """What a signal could interrupt before it is heard: neither logging nor any of the job's
    rooms that need it."""
    program = (
        "from job import signals; import job.machine.marks; import sys; print(len(sys.modules))"
    )
    bare = "import sys; print(len(sys.modules))"
    counts = [
        int(subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parents[1]))
        for code in (program, bare)
    ]
    assert counts[0] - counts[1] < 30
