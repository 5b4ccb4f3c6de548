"""torch_xla stays where it belongs: in its own lock, and in the modules that are made for it."""

import ast
import re
from pathlib import Path

from tests.test_house import MODULES

DOCKER = Path(__file__).parent.parent.parent.parent / "docker"
ALONE = {
    f"job.devices.tpu.{name}" for name in ("runtime", "strategy", "ranks", "graphs", "describe")
}


def packages(file: Path) -> set[str]:
    nodes = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Import)]
    return {alias.name.split(".")[0] for node in nodes for alias in node.names} | {
        (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
    }


def test_only_the_tpus_modules_import_torch_xla():
    """And they do it inside functions: everybody may import those modules."""
    assert {name for name, file in MODULES.items() if "torch_xla" in packages(file)} == ALONE
    for name in ALONE:
        tree = ast.parse(MODULES[name].read_text())
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
