"""Tagging files: every line answered in order, from any URL to any URL, nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest

from job import predict as predict_module
from job.errors import ArgumentError, DataError, OutputError
from job.export import text_io as stream_module
from job.export.folder import export_model
from job.export.text_io import open_output
from job.predict import in_chunks, predict
from job.signals import Stopped
from job.storage.manifest import MANIFEST
from tests.cloud.test_preemption import until
from tests.support.tiny import LABELS, POSITIONS, make_network, make_tokenizer

SENTENCE = "김철수은 서울역에서 만났다!"
TAGGED = f"{SENTENCE}␞<김철수:PER>은 <서울역:LOC>에서 만났다!"
SPANS = [[0, 3, "PER"], [5, 8, "LOC"]]


@pytest.fixture(scope="session")
def output(tmp_path_factory):
    """What a run leaves: the model below `model/`."""
    folder = tmp_path_factory.mktemp("output")
    export_model(
        folder / "model",
        model=make_network(),
        tokenizer=make_tokenizer(tmp_path_factory.mktemp("tokenizer")),
        label_map=LABELS,
        metrics={},
        trained={},
        facts={"max sequence length": "16"},
        prove=lambda folder: None,
    )
    return folder


@pytest.fixture
def run(output, tmp_path):
    """Tags `content`; returns the bytes written."""

    def tag(content, in_name="in.txt", out_name="out.txt", model=output):
        (tmp_path / in_name).write_bytes(content.encode() if isinstance(content, str) else content)
        out = tmp_path / out_name
        tag.count = predict(
            str(model), str(tmp_path / in_name), str(out), cache_dir=tmp_path / "cache"
        )
        return out.read_bytes().decode()

    return tag


@pytest.fixture
def memory():
    """An in-memory bucket."""
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def upload(folder, filesystem, path):
    for file in folder.rglob("*"):
        if file.is_file():
            filesystem.pipe(f"{path}/{file.relative_to(folder).as_posix()}", file.read_bytes())


def test_plain_lines_become_the_tutorials_lines(run):
    assert run(f"{SENTENCE}\n만났다\n") == f"{TAGGED}\n만났다␞만났다\n"
    assert run.count == 2


def test_a_name_in_jsonl_gives_json_lines(run):
    written = run(f"{SENTENCE}\n\n", out_name="out.jsonl")
    assert [json.loads(line) for line in written.splitlines()] == [
        {"text": SENTENCE, "spans": SPANS},
        {"text": "", "spans": []},
    ]


def test_the_left_side_of_the_tutorials_lines_is_tagged(run):
    assert run(f"{SENTENCE}␞<김:LOC>anything\n") == f"{TAGGED}\n"


def test_json_lines_are_recognised_by_their_content(run):
    lines = [{"text": SENTENCE, "id": 7}, {"text": "왔다", "spans": [[0, 1, "X"]]}]
    content = "\n" + "\n".join(json.dumps(line) for line in lines)
    assert run(content) == f"\n{TAGGED}\n왔다␞왔다\n"


def test_lines_keep_their_number_and_order_whatever_they_hold(run):
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
    assert run(content) == expected


def test_a_text_of_100_000_characters_is_tagged_to_its_end(run):
    text = "만났다 " * 25_000 + "김철수"
    written = json.loads(run(text, out_name="out.jsonl"))
    assert written == {"text": text, "spans": [[100_000, 100_003, "PER"]]}


def test_an_entity_across_a_window_boundary_is_whole(run):
    text = "가 나 다 " * 4 + "김철수수수수수수수 " + "가 나 다 " * 4
    [span] = json.loads(run(text, out_name="out.jsonl"))["spans"]
    assert text[span[0] : span[1]] == "김철수수수수수수수"


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
    (tmp_path / "out.txt").write_text("of an earlier run")
    with pytest.raises(DataError, match=rf"in\.txt:1502: .*{says}"):
        run(b"\n" * 1501 + line + b"\n")
    assert (tmp_path / "out.txt").read_text() == "of an earlier run"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.txt", "out.txt"]


@pytest.mark.parametrize(
    "line", ['{"text": 5}', '{"txt": "a"}', "plain", "[]", '{"text": "\\ud800"}', '{"text": "a"']
)
def test_a_line_that_is_no_json_object_with_a_text_stops_with_its_number(run, line):
    with pytest.raises(DataError, match=r"in\.txt:2: is not a JSON object"):
        run('{"text": "a"}\n' + line)


@pytest.mark.parametrize("text", ["가\n나", "가␞나"])
def test_a_text_that_the_tutorials_format_cannot_hold_asks_for_json_lines(run, text):
    content = json.dumps({"text": text})
    with pytest.raises(DataError, match=r"in\.txt:1: .*\.jsonl"):
        run(content)
    assert json.loads(run(content, out_name="out.jsonl"))["text"] == text


def test_an_overlong_line_is_refused_before_it_fills_the_memory(run, monkeypatch):
    monkeypatch.setattr(stream_module, "LONGEST_LINE_BYTES", 3 << 20)
    with pytest.raises(DataError, match=r"in\.txt:2: is longer than 3 MiB"):
        run("가\n" + "a" * (5 << 20))


def test_memory_is_bounded_by_the_chunk(output, tmp_path, monkeypatch):
    """Tagging itself is replaced: what is measured is what the loop keeps."""

    def load(*_):
        return SimpleNamespace(tag=lambda texts: [()] * len(texts))

    monkeypatch.setattr(predict_module.Tagger, "load", load)
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
    lines = [(n, "가" * 300_000) for n in range(9)] + [(n, "") for n in range(9, 3000)]
    chunks = list(in_chunks(lines))
    assert [len(chunk) for chunk in chunks] == [4, 4, 1024, 1024, 944]
    assert [line for chunk in chunks for line in chunk] == lines


def test_every_end_may_be_a_url(output, memory, tmp_path):
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
    memory.pipe("/bucket/out.txt", b"of an earlier run")
    (tmp_path / "in.txt").write_bytes(b"\n" * 3000 + b"\0")
    with pytest.raises(DataError):
        predict(
            str(output), str(tmp_path / "in.txt"), "memory://bucket/out.txt", cache_dir=tmp_path
        )
    assert memory.cat("/bucket/out.txt") == b"of an earlier run"
    assert memory.ls("/bucket", detail=False) == ["/bucket/out.txt"]


def test_a_remote_model_is_verified_and_a_new_one_is_noticed(output, memory, tmp_path):
    upload(output, memory, "/bucket/output")
    (tmp_path / "in.txt").write_text(SENTENCE)
    arguments = (
        "memory://bucket/output",
        str(tmp_path / "in.txt"),
        str(tmp_path / "out.txt"),
    )
    predict(*arguments, cache_dir=tmp_path)
    [cached] = (tmp_path / "models").iterdir()
    content = (cached / "model.safetensors").read_bytes()
    (cached / "model.safetensors").write_bytes(content[:-1] + b"\x01")
    with pytest.raises(DataError, match="another sha256"):
        predict(*arguments, cache_dir=tmp_path)
    memory.pipe("/bucket/output/model/label_map.txt", b"cut off")
    with pytest.raises(DataError, match=r"label_map\.txt: has 7 bytes"):
        predict(*arguments, cache_dir=tmp_path / "other")
    memory.rm("/bucket/output/model/label_map.txt")
    with pytest.raises(DataError, match=r"label_map\.txt: is missing"):
        predict(*arguments, cache_dir=tmp_path / "other")


def test_a_directory_without_a_manifest_is_no_finished_model(run, output, tmp_path):
    with pytest.raises(ArgumentError, match=r"holds no MANIFEST\.json.*DOWNSTREAM_MODEL_DIR"):
        run("가", model=tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (output / "model").iterdir():
        if file.name != MANIFEST:
            (copy / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ArgumentError, match="no training has finished there"):
        run("가", model=copy)


def test_windows_longer_than_the_models_positions_are_refused(output, tmp_path):
    (tmp_path / "in.txt").write_text("가")
    with pytest.raises(ArgumentError, match=f"MAX_SEQ_LENGTH=999: this model has {POSITIONS}"):
        predict(
            str(output),
            str(tmp_path / "in.txt"),
            str(tmp_path / "out.txt"),
            cache_dir=tmp_path,
            max_seq_length=999,
        )


def test_a_missing_input_is_named(output, tmp_path):
    for name in (str(tmp_path / "nope.txt"), "memory://nope.txt"):
        with pytest.raises(ArgumentError, match="there is no such file"):
            predict(str(output), name, str(tmp_path / "out"), cache_dir=tmp_path)
    with pytest.raises(ArgumentError, match="is a directory"):
        predict(str(output), str(tmp_path), str(tmp_path / "out"), cache_dir=tmp_path)
    assert not (tmp_path / "out").exists()


def test_input_and_output_may_be_the_same_file(run):
    assert run(f"{SENTENCE}\n", in_name="same.txt", out_name="same.txt") == f"{TAGGED}\n"


def test_a_link_stays_a_link_and_its_target_is_replaced(run, tmp_path):
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "out.txt").symlink_to("target.txt")
    assert run("가") == "가␞가\n"
    assert (tmp_path / "out.txt").is_symlink()


def test_a_pipe_is_written_to_and_not_replaced(run, tmp_path):
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
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=out):
        run("가", out_name=out)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_named_and_not_taken_for_a_fault_of_the_input(output, tmp_path):
    (tmp_path / "in.txt").write_text("가\n")
    with pytest.raises(OutputError, match="/dev/full: cannot be written"):
        predict(str(output), str(tmp_path / "in.txt"), "/dev/full", cache_dir=tmp_path)


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
