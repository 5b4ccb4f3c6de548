"""The package as others install it: a wheel built from the tree."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_trains_the_sample(tmp_path):
    """It brings every package, the corpus, the model, the page and the faces."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "job").symlink_to(ROOT / "job")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--no-index", "--wheel-dir=wheels", ".", folder=tmp_path)
    [wheel] = (tmp_path / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
    job = (sys.executable, "-m", "job", "--downstream_corpus_name=sample")
    flags = ("--test_mode=true", "--epochs=1", f"--cache_dir={tmp_path / 'cache'}")
    run(*job, *flags, "--downstream_model_dir=out", folder=tmp_path / "installed")
    assert (tmp_path / "installed" / "out" / "model" / "model.safetensors").is_file()
    assert (tmp_path / "installed" / "out" / "report" / "index.html").is_file()
