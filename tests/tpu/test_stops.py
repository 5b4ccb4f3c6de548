"""Killed, preempted and asked to stop, a run on cores goes on where it was, on any device."""

import signal
from pathlib import Path

import pytest

from job.storage.manifest import sha256_of
from tests.support import runs
from tests.support.gcs.server import GcsServer
from tests.support.metadata import MetadataServer
from tests.tpu.runs import descendants, finish, start

# Dropout, and a schedule that moves in each step: only an exact resume ends alike.
OPTIONS = {"epochs": 4, "save_every_steps": 2, "lr_scheduler": "linear", "warmup_ratio": 0.1}


def after_saves(process, saves: int, act) -> tuple[int, str]:
    """Does something once so many checkpoints were announced, and waits for the end."""
    log = ""
    for text in process.stdout:
        log += text
        saves -= "Saved" in text
        if not saves:
            act(process)
            break
    code, rest = finish(process)
    return code, log + rest


@pytest.fixture(scope="module")
def untouched(world):
    """The hash of the weights of a run that nothing interrupted."""
    code, log = finish(start(8, world.flags("untouched", **OPTIONS)))
    assert code == 0, log
    return sha256_of(world.folder / "untouched/model/model.safetensors")


def test_killed_and_preempted_it_ends_bit_for_bit_the_same(world, untouched, tmp_path):
    """To a bucket: kill -9, then a preemption notice, then to the end; nobody is left behind."""
    with GcsServer() as gcs, MetadataServer() as metadata:
        flags = world.flags("unused", downstream_model_dir="gs://bucket/run", **OPTIONS)
        environment = {"STORAGE_EMULATOR_HOST": gcs.url, "GCE_METADATA_HOST": metadata.host}
        orphans = []

        def kill(process) -> None:
            orphans.extend(descendants(process.pid))
            process.kill()

        code, log = after_saves(start(8, flags, **environment), 1, kill)
        assert code == -signal.SIGKILL, log
        assert orphans
        code, log = after_saves(
            start(8, flags, **environment), 2, lambda _: metadata.change("preempted", "TRUE")
        )
        assert code == 143, log
        assert "Going on from gs://bucket/run/checkpoints/step=" in log
        assert not [pid for pid in orphans if Path(f"/proc/{pid}").exists()]
        metadata.change("preempted", "FALSE")
        code, log = finish(start(8, flags, **environment))
        assert code == 0, log
        assert "Going on from gs://bucket/run/checkpoints/step=" in log
        model = tmp_path / "model"
        model.write_bytes(gcs.objects()["run/model/model.safetensors"])
    assert sha256_of(model) == untouched


def test_a_checkpoint_moves_between_a_tpu_and_a_cpu(world):
    """SIGTERM on 8 cores, on to the next stop on a CPU, and to the end on 2 cores."""
    stop = lambda process: process.send_signal(signal.SIGTERM)  # noqa: E731
    code, log = after_saves(start(8, world.flags("moved", **OPTIONS)), 1, stop)
    assert code == 143, log
    assert log.count("Stopped by SIGTERM") == 1
    assert "Traceback" not in log
    on_cpu = runs.World.flags(world, "moved", batch_size=16, **OPTIONS)
    code, log = after_saves(runs.start(on_cpu), 1, stop)
    assert code == 143, log
    assert "Going on from" in log
    code, log = finish(start(2, world.flags("moved", 2, **OPTIONS)))
    assert code == 0, log
    assert "Going on from" in log
    assert world.report("moved")["history"][-1]["f1_characters"] == 1.0
    assert [epoch["epoch"] for epoch in world.report("moved")["history"]] == [1, 2, 3, 4]
