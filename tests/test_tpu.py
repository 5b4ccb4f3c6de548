"""torch_xla stays where it belongs: in its own lock, and in the rooms that are made for it."""

import ast
import re
from pathlib import Path

from tests.test_rooms import JOB, ROOMS, imported

DOCKER = Path(__file__).parent.parent / "docker"
ALONE = {"xla", "graphs", "tpu"}


def packages(room: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(room)}


def test_only_the_tpus_rooms_import_torch_xla():
    """And they do it inside functions: everybody may import the rooms."""
    assert {room.stem for room in ROOMS if "torch_xla" in packages(room)} <= ALONE
    for name in ALONE:
        tree = ast.parse((JOB / f"{name}.py").read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not any("torch_xla" in ast.unparse(node) for node in top)


def test_only_the_tpus_lock_brings_torch_xla():
    """With it installed, each Trainer on a GPU would ask a metadata server for a TPU."""
    pattern = re.compile(r"^(torch-xla|torch_xla|libtpu)==", re.M)
    for lock in ("cpu.txt", "gpu.txt", "dev.txt", "source.txt"):
        assert not pattern.search((DOCKER / lock).read_text()), lock
    text = (DOCKER / "tpu.txt").read_text()
    for pin in ("torch==2.9.0", "torch-xla==2.9.0", "libtpu==0.0.21"):
        assert re.search(rf"^{re.escape(pin)} ", text, re.M), pin


def test_a_tpu_host_has_the_versions_of_every_other():
    """What does not hang on torch's version is the same in both locks."""
    pins = [
        dict(re.findall(r"^([\w.-]+)==(\S+)", (DOCKER / lock).read_text(), re.M))
        for lock in ("gpu.txt", "tpu.txt")
    ]
    differing = {name for name in pins[0].keys() & pins[1].keys() if pins[0][name] != pins[1][name]}
    assert differing == {"torch"}
