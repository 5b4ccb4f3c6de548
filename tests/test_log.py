"""One log for people and for Cloud Logging."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from job.log import LogHandler, set_up_logging

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _restore_logging():
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks
    for name in ("job", "__main__"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def start(log_format="text", is_terminal=False, **more):
    stream = io.StringIO()
    return stream, set_up_logging(log_format, stream, is_terminal, **more)


def test_text_is_the_time_and_the_message_and_marks_what_is_wrong():
    """INFO has no mark; of libraries only warnings and worse are shown."""
    stream, _ = start()
    logger = logging.getLogger("job.corpus.load")
    logger.info("read %d sentences", 3)
    logger.debug("not shown")
    logger.warning("odd")
    logger.error("bad")
    logging.getLogger("library").info("not shown")
    logging.getLogger("library").warning("theirs")
    lines = stream.getvalue().splitlines()
    assert [line[9:] for line in lines] == [
        "read 3 sentences",
        "WARNING odd",
        "ERROR bad",
        "WARNING theirs",
    ]
    assert all(line[2] == line[5] == ":" for line in lines)


def test_json_is_one_line_a_record_with_what_cloud_logging_lifts():
    """Severity, and message with its traceback, in ASCII."""
    stream, _ = start("json")
    logging.getLogger("job").info("두 줄\n여기 \udc80")
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("job").exception("failed")
    info, error = map(json.loads, stream.getvalue().splitlines())
    assert (info["severity"], info["message"]) == ("INFO", "두 줄\n여기 \udc80")
    assert error["severity"] == "ERROR"
    assert error["message"].startswith("failed\nTraceback (most recent call last):\n")
    assert error["message"].endswith("ValueError: first\nsecond")
    assert stream.getvalue().isascii()


def test_the_json_timestamp_is_the_records(monkeypatch):
    """Rounding carries over into the seconds."""
    stream, handler = start("json")
    record = logging.makeLogRecord({"msg": "x", "created": 1700000000.9999996})
    handler.handle(record)
    written = json.loads(stream.getvalue())
    assert (written["timestampSeconds"], written["timestampNanos"]) == (1700000001, 0)


@pytest.mark.parametrize(
    ("log_format", "in_cloud", "is_json"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("text", True, False),
        ("json", False, True),
    ],
)
def test_auto_is_json_in_the_cloud_only(log_format, in_cloud, is_json):
    """A format that was asked for holds everywhere."""
    stream, _ = start(log_format, in_cloud=in_cloud)
    logging.getLogger("job").info("hello")
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_reaches_the_log(log_format):
    """Not in messages or tracebacks, quoted or escaped, or as the start of another."""
    stream, _ = start(log_format, secrets=["hunter2", "", 'a"\nb', "hunter2-long"])
    logger = logging.getLogger("job")
    logger.info("token %s and %s", "hunter2", 'a"\nb')
    logger.info("hunter2-long")
    try:
        raise ValueError("hunter2")
    except ValueError:
        logger.exception("failed")
    written = stream.getvalue()
    assert "hunter2" not in written
    assert "long" not in written
    assert 'a"' not in written
    assert r"a\"" not in written
    assert written.count("(secret)") == 4 + written.count('ValueError("(secret)")') + written.count(
        r"ValueError(\"(secret)\")"
    )


def test_setting_up_again_replaces_the_first_and_leaves_other_handlers():
    """Each line is written once, to the last stream."""
    first, _ = start()
    others = [h for h in logging.getLogger().handlers if not isinstance(h, LogHandler)]
    second, handler = start()
    logging.getLogger("job").info("hello")
    assert first.getvalue() == ""
    assert second.getvalue().endswith("hello\n")
    assert logging.getLogger().handlers == [*others, handler]


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_warnings_go_through_the_log():
    """Python's warnings are records with a severity."""
    done = run_python(
        "import sys, warnings; from job.log import set_up_logging\n"
        "set_up_logging('json', sys.stdout, False)\n"
        "warnings.warn('old way', FutureWarning)\n"
    )
    written = json.loads(done.stdout)
    assert written["severity"] == "WARNING"
    assert "FutureWarning: old way" in written["message"]
    assert done.stderr == ""


def test_uncaught_exceptions_of_any_thread_go_through_the_log():
    """As CRITICAL, without secrets, and nothing on stderr."""
    done = run_python(
        "import sys, threading; from job.log import set_up_logging\n"
        "set_up_logging('json', sys.stdout, False, secrets=['hunter2'])\n"
        "t = threading.Thread(target=lambda: {}['hunter2']); t.start(); t.join()\n"
        "raise ValueError('hunter2')\n"
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["severity"] == second["severity"] == "CRITICAL"
    assert first["message"].endswith("KeyError: '(secret)'")
    assert second["message"].endswith("ValueError: (secret)")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_stream_that_cannot_encode_korean_still_gets_the_line():
    """With escapes in place of the letters."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    set_up_logging("text", stream, False)
    logging.getLogger("job").info("세종")
    assert stream.buffer.getvalue().endswith(rb"\uc138\uc885" + b"\n")


def test_the_log_imports_nothing_but_the_standard_library():
    """A mistake in an argument is told before torch or pydantic are there."""
    done = run_python(
        "import sys; import job.log, job.progress_line, job.cloud.vertex_environment\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    )
    assert "torch" not in done.stdout
    assert "pydantic" not in done.stdout


@pytest.mark.parametrize("mark", ["AIP_MODEL_DIR", "CLUSTER_SPEC", "LOG_FORMAT"])
def test_a_wrong_argument_is_a_json_line_where_lines_are_json(mark):
    """Before the settings are known, too: one record with a severity, nothing on stderr."""
    value = {"AIP_MODEL_DIR": "gs://bkt/model/", "CLUSTER_SPEC": "{", "LOG_FORMAT": "json"}[mark]
    done = subprocess.run(
        [sys.executable, "-m", "job", "--epochs=none", "--sead=1"],
        cwd=ROOT,
        env={**os.environ, mark: value},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (64, "")
    [record] = [json.loads(line) for line in done.stdout.splitlines()]
    assert record["severity"] == "ERROR"
    assert "EPOCHS = 'none'" in record["message"]
    assert "--sead" in record["message"]


def test_text_for_people_is_one_record_where_lines_are_json():
    """The last screen of a run keeps its lines for a reader and is one line for a parser."""
    stream, handler = start("json")
    handler.tell("a\nb")
    assert json.loads(stream.getvalue())["message"] == "a\nb"
    stream, handler = start("text")
    handler.tell("a\nb")
    assert stream.getvalue() == "a\nb\n"
