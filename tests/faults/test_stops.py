"""SIGTERM in every phase: one save where there is something to save, 143, and an exact end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from job.errors import EXIT_TERMINATED
from tests.faults.jobs import Inside

WITHIN_S = 10
LINE_MB_S = 20
# Phase → what holds the run there: a request to the store, or a function of the job.
PHASES = {
    "reading the corpus": ("GET", r"o/corpora/toy/val\.txt.*alt=media", False),
    "tokenising": "job.training.preparation:encode_cached",
    "loading the model": "job.training.preparation:load_classifier",
    "fetching the checkpoint": ("GET", r"step=00000012/state-.*alt=media", False),
    "before the first step": "job.training.loop:make_trainer",
    "Lightning's set-up": "job.checkpoints.callback:Checkpoints.setup",
    "the first step": "job.model.classifier:TokenClassifier.training_step",
    "validating": "job.model.classifier:TokenClassifier.validation_step",
    "the end of validating": "job.model.classifier:TokenClassifier.on_validation_epoch_end",
    "saving": ("POST", r"/upload/.*step=00000024/state-", False),
    "committing": ("POST", r"/upload/.*step=00000024/MANIFEST", True),
    "pruning": ("DELETE", r"step=00000024/MANIFEST", True),
    "fetching the best": "job.training.output.best:load_state",
    "evaluating": "job.training.evaluate:evaluate_split",
    "exporting": ("POST", r"name=out/model/model\.safetensors", False),
    "committing the export": ("POST", r"name=out/model/MANIFEST", True),
}
QUICK = ("validating", "saving")


@pytest.mark.parametrize(
    "phase",
    [pytest.param(p, marks=() if p in QUICK else pytest.mark.slow, id=p) for p in PHASES],
)
def test_told_to_stop_it_saves_and_leaves(world, runs, server, place, untouched, phase):
    """Within ten seconds at 20 MB/s, with 143; more signals change nothing; the next start
    ends bit for bit as a run that nobody stopped."""
    for split in ("train", "val"):
        server.put(f"corpora/toy/{split}.txt", (world.corpus / f"{split}.txt").read_bytes())
    flags = {
        "downstream_corpus_root_dir": "gs://bucket/corpora",
        "cache_dir": runs.folder / "cache",
        "save_every_steps": 0,
    }
    assert runs.finish(place, epochs=1, **flags)[0] == 0  # so that there is one to fetch
    for path in list(place.files()):
        if path.startswith(("model/", "report/")):
            server.delete(f"out/{path}")
    server.limit(LINE_MB_S)
    where, fault = PHASES[phase], None
    if isinstance(where, str):
        job = runs.start(place, inside=Inside(hold=where), **flags)
        job.until_held()
    else:
        method, path, is_done = where
        fault = server.fault(method, path, stall_s=60, commit_first=is_done)
        job = runs.start(place, force_download="corpus" in phase, **flags)
        job.until_hit(fault)
    job.send(signal.SIGTERM)
    told_at = time.monotonic()
    job.let_go()
    server.clear_faults()
    while job.process.is_alive():
        job.send(signal.SIGTERM)
        job.process.join(0.01)
    code, log = job.wait()
    assert code == EXIT_TERMINATED, log
    assert time.monotonic() - told_at < WITHIN_S
    assert "Stopped by SIGTERM" in log
    assert "Traceback" not in log
    assert "out/LEASE.json" not in server.objects(), "a run that was told to stop gives it back"
    assert place.steps()[-1] >= 12
    server.limit(0)
    code, log = runs.finish(place, **flags)
    assert code == 0, log
    assert place.outcome() == untouched(save_every_steps=0)


def test_told_to_stop_between_steps_it_saves_the_step(runs, place, untouched):
    """In the middle of an epoch: that step's checkpoint, and no step is made twice."""
    inside = Inside(hold="job.checkpoints.callback:Checkpoints.on_train_batch_end")
    job = runs.start(place, inside=inside, save_every_steps=0)
    job.until_held()
    job.send(signal.SIGTERM)
    job.let_go()
    code, log = job.wait()
    assert code == EXIT_TERMINATED, log
    assert place.steps() == [1]
    code, log = runs.finish(place, save_every_steps=0)
    assert code == 0, log
    assert "Going on from gs://bucket/out/checkpoints/step=00000001: epoch 1, step 2" in log
    assert place.outcome() == untouched()


def test_heard_from_the_first_second(world, tmp_path):
    """While torch is imported, in a process of its own, as PID 1 would be in a container: 143."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "job", *world.flags()],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stderr:
            if line.rstrip().endswith(("torch._utils", "torch.torch_version", "torch.version")):
                process.send_signal(signal.SIGTERM)
                break
        else:
            pytest.fail("torch was not imported")
        log = process.stderr.read()
    assert process.returncode == EXIT_TERMINATED, log


def test_a_stop_is_no_failed_attempt(runs, server, place):
    """A run that is told to stop again and again is not taken for one that crashes."""
    for _ in range(3):
        job = runs.start(place, inside=Inside(hold="job.train:fit"), max_attempts=2)
        job.until_held()
        job.send(signal.SIGTERM)
        job.let_go()
        code, log = job.wait()
        assert code == EXIT_TERMINATED, log
    code, log = runs.finish(place, max_attempts=2)
    assert code == 0, log


def test_a_run_that_crashes_again_and_again_is_refused(runs, server, place):
    """Two starts from one step that are killed: the third refuses with 78 and says what to do; with
    a higher MAX_ATTEMPTS it goes on, and a checkpoint starts the count anew."""
    held = Inside(hold="job.training.loop:make_trainer")
    for _ in range(2):
        job = runs.start(place, inside=held, max_attempts=2)
        job.until_held()
        job.kill()
    for _ in range(2):
        code, log = runs.finish(place, max_attempts=2)
        assert code == 78, log
        assert "2 starts from step 0 ended without a new checkpoint" in log
        assert "MAX_ATTEMPTS" in log
        assert "epoch 1" not in log
    second = server.fault("POST", "/upload/.*state-", skip=1, stall_s=60, status=503)
    job = runs.start(place, max_attempts=3)
    job.until_hit(second)
    job.kill()
    server.clear_faults()
    assert json.loads(server.objects()["out/LEASE.json"])["attempts"] == 3
    code, log = runs.finish(place, max_attempts=2)
    assert code == 0, log
