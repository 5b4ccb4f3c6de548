"""Whole runs in a small world: a corpus of three words and a model that learns it in seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from job.__main__ import main
from tests.support.tiny import make_network, write_tokenizer

NAMES = ("김철", "김수", "김철수")
PLACES = ("서울", "서울역")
PATIENCE_S = 840  # a limit for what hangs, far above what a busy machine takes


def line(number: int) -> str:
    """A sentence and its tagged text; entities touch, end inside words and are absent at times."""
    name, place = NAMES[number % 3], PLACES[number // 3 % 2]
    middle = ("가", "나", "다")[number // 6 % 3] * (1 + number // 18 % 5)
    if number % 7 == 0:
        return f"{middle} 왔다.␞{middle} 왔다."
    text = f"{name}은 {middle} {place}에서 만났다!"
    return f"{text}␞<{name}:PER>은 {middle} <{place}:LOC>에서 만났다!"


class World:
    """A corpus, a model and an output folder under one temporary folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.corpus, self.model = folder / "corpus" / "toy", folder / "model"
        self.corpus.mkdir(parents=True)
        self.write("train", [line(n) for n in range(90)])
        self.write("val", [line(n) for n in range(90, 120)])
        write_tokenizer(self.model)
        make_network(layers=1).save_pretrained(self.model)

    def write(self, split: str, lines: list[str]) -> None:
        (self.corpus / f"{split}.txt").write_text("\n".join(lines) + "\n", "utf-8")

    def flags(self, output: str = "out", **changed: object) -> list[str]:
        flags = {
            "downstream_corpus_root_dir": self.corpus.parent,
            "downstream_corpus_name": "toy",
            "pretrained_model_name": self.model,
            "downstream_model_dir": self.folder / output,
            "cache_dir": self.folder / "cache",
            "max_seq_length": 32,
            "batch_size": 8,
            "epochs": 3,
            "learning_rate": 0.01,
            "accelerator": "cpu",
            "precision": 32,
        }
        return [f"--{name}={value}" for name, value in (flags | changed).items()]

    def run(
        self,
        capsys: pytest.CaptureFixture,
        output: str = "out",
        words: tuple[str, ...] = (),
        **changed,
    ) -> tuple[int, str]:
        """The exit code of a run in this process and what it printed."""
        code = main([*words, *self.flags(output, **changed)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    def start(self, output: str = "out", **changed: object) -> subprocess.Popen:
        """A run in a process of its own, its log on a pipe."""
        return start(self.flags(output, **changed))


def start(argv: list[str], **environment: str) -> subprocess.Popen:
    """`python -m job` with these words, stdout and stderr on one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "job", *argv],
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Waits for the end; exit code and log."""
    log, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, log
