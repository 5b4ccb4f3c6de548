"""The house: imports point down only, and every room is of a size to be read."""

import ast
from pathlib import Path

import pytest

JOB = Path(__file__).parent.parent / "job"
ROOMS = sorted(JOB.glob("*.py"))

# Each layer may import those before it, and rooms of its own layer.
LAYERS = [
    {"__init__", "errors", "sentences", "manifest", "marks", "causes", "surroundings", "memory"},
    {
        "labels",
        "signals",
        "vertex",
        "status",
        "streams",
        "dispensable",
        "log",
        "networks",
        "faults",
        "disk",
        "locks",
        "gcs",
        "storage",
        "process",
        "preemption",
        "lease",
        "typos",
        "locations",
        "owned",
        "filesystems",
        "replacement",
        "output_probe",
        "kinds",
        "combinations",
    },
    {"targets", "machines", "launch_places"},
    {
        "corpus_settings",
        "settings",
        "study",
        "launch_combinations",
        "launch",
        "flags",
        "usage",
        "leftovers",
        "arguments",
    },
    {"vertex_spec", "tpu_vm_spec", "docker_spec", "spec"},
    {"lines", "edges", "offsets", "json_rows", "json_shapes"},
    {
        "tagged",
        "placed",
        "units",
        "carried",
        "blocks",
        "speech",
        "roles",
        "signs",
        "columns",
        "unread",
        "jsonlines",
        "formats",
        "normalize",
        "addresses",
        "web",
    },
    {"fetch", "drive", "secrets", "cache", "sources", "splits", "shown", "corpus_checks", "corpus"},
    {"checkpoint", "evaluate", "align", "encode", "features", "rows", "stream"},
    {"ranks", "one_process", "xla", "graphs", "tpu", "ddp", "watch", "meeting", "cluster"},
    {
        "batch",
        "shapes",
        "model",
        "probe",
        "layout",
        "gpu",
        "hardware",
        "hub",
        "resolve",
        "model_config",
        "spm",
        "label_rows",
        "tokenizer",
        "pretrained",
        "card",
        "export",
    },
    {"page", "report", "predict"},
    {
        "unknown",
        "batch_size",
        "prepare",
        "state",
        "saver",
        "resume",
        "identity",
        "progress",
        "curves",
        "tuning",
    },
    {"office", "standins", "compiled", "cores"},
    {"space", "fit", "finish", "summary", "check", "follow"},
    {"train"},
    {"__main__"},
]
WITHOUT_TORCH = {
    "spec",
    "settings",
    "arguments",
    "vertex",
    "log",
    "corpus",
    "formats",
    "fetch",
    "storage",
}


def imported(room: Path) -> set[str]:
    """The rooms and packages that a room imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(room.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            if node.module == "job":
                names |= {f"job.{alias.name}" for alias in node.names}
    return names


def rooms_of(room: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(room) if name.startswith("job.")} & {
        r.stem for r in ROOMS
    }


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.stem)
def test_imports_point_down(room):
    """A room imports rooms of its own layer or below."""
    layer_of = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    assert room.stem in layer_of, "a new room needs its place in LAYERS"
    above = {name for name in rooms_of(room) if layer_of[name] > layer_of[room.stem]}
    assert not above


@pytest.mark.parametrize("name", sorted(WITHOUT_TORCH))
def test_arguments_and_corpus_need_no_torch(name):
    """No room that a wrong argument or a bad corpus passes through imports torch."""
    seen, queue = set(), [name]
    while queue:
        room = queue.pop()
        if room in seen:
            continue
        seen.add(room)
        packages = {package.split(".")[0] for package in imported(JOB / f"{room}.py")}
        assert not packages & {"torch", "transformers", "pytorch_lightning"}, room
        queue += rooms_of(JOB / f"{room}.py")


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.stem)
def test_a_room_is_one_stage(room):
    """No file is longer than 260 lines, no function longer than 60."""
    text = room.read_text()
    assert text.count("\n") <= 260
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.stem)
def test_the_environment_is_read_in_one_place(room):
    """__main__ hands os.environ over; settings has a default in it; two set a library's."""
    if room.stem not in ("__main__", "corpus_settings", "storage", "gcs"):
        assert "environ" not in {
            node.attr
            for node in ast.walk(ast.parse(room.read_text()))
            if isinstance(node, ast.Attribute)
        }
