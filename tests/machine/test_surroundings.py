"""What other programs left behind for this process."""

import os
import resource
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
import pytorch_lightning as pl
from lightning_fabric.plugins.environments import (
    LSFEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from job.devices.cpu import Cpu
from job.devices.one_process import OneProcess
from job.machine.surroundings import (
    let_warnings_warn,
    raise_file_limit,
    share_out_threads,
    take_out_launchers,
    tell_libraries,
    threads_possible,
    threads_wanted,
)

ROOT = Path(__file__).parent.parent.parent
LEFT_OVER = {
    "SLURM_NTASKS": "4",
    "SLURM_JOB_NAME": "train",
    "SLURM_PROCID": "3",
    "LSB_JOBID": "5",
    "LSB_DJOB_RANKFILE": "/nowhere",
    "JSM_NAMESPACE_LOCAL_RANK": "1",
    "JSM_NAMESPACE_SIZE": "2",
    "TORCHELASTIC_RUN_ID": "7",
    "OMPI_COMM_WORLD_RANK": "1",
    "PMI_RANK": "1",
    "RANK": "abc",
    "LOCAL_RANK": "1",
    "NODE_RANK": "1",
    "WORLD_SIZE": "2",
    "MASTER_ADDR": "nowhere",
    "MASTER_PORT": "x",
    "PL_GLOBAL_SEED": "abc",
    "PL_TRAINER_LIMIT_TRAIN_BATCHES": "1",
}


def test_what_launchers_left_is_taken_out():
    """Nothing of them is left; what was meant for Lightning's Trainer is told of."""
    kept = {"PATH": "/bin", "CLUSTER_SPEC": "{}", "TPU_NAME": "local", "BATCH_SIZE": "8"}
    environ = {**LEFT_OVER, **kept}
    assert take_out_launchers(environ) == ["PL_TRAINER_LIMIT_TRAIN_BATCHES"]
    assert environ == kept


def test_every_variable_by_which_lightning_knows_a_cluster_is_taken_out(monkeypatch):
    """A cluster that a new version looks for needs its name here."""
    for name, value in LEFT_OVER.items():
        monkeypatch.setenv(name, value)
    environments = (SLURMEnvironment, LSFEnvironment, TorchElasticEnvironment)
    assert all(each.detect() for each in environments)
    for name in LEFT_OVER:
        monkeypatch.delenv(name)
    assert not any(each.detect() for each in environments)


def test_lightning_is_told_that_it_is_alone(monkeypatch):
    """With every left-over variable of a launcher in place, it asks none of them."""
    for name, value in LEFT_OVER.items():
        if not name.startswith("PL_"):
            monkeypatch.setenv(name, value)
    hardware = Cpu("32", "CPU")
    trainer = pl.Trainer(
        **hardware.trainer_arguments(),
        plugins=hardware.plugins(),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    assert isinstance(trainer._accelerator_connector.cluster_environment, OneProcess)
    assert (trainer.world_size, trainer.global_rank, trainer.num_nodes) == (1, 0, 1)
    assert rank_zero_only.rank == 0


def test_what_is_set_by_hand_is_not_told_otherwise():
    """The job's own words to libraries are defaults."""
    environ = {"OMP_WAIT_POLICY": "active"}
    tell_libraries(environ)
    assert environ["OMP_WAIT_POLICY"] == "active"
    assert environ["OPENBLAS_NUM_THREADS"] == "1"


def test_what_libraries_are_told():
    """Threads that sleep while they wait, one for OpenBLAS, no CPU in a TPU's place, no abort by
    NCCL, and no lines of torch's past the log."""
    environ: dict[str, str] = {}
    tell_libraries(environ)
    alone = {
        "OMP_WAIT_POLICY": "passive",
        "OPENBLAS_NUM_THREADS": "1",
        "PJRT_SELECT_DEFAULT_DEVICE": "0",
        "TORCH_NCCL_ASYNC_ERROR_HANDLING": "0",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    assert environ == alone


def test_ranks_share_the_cores_of_their_machine(monkeypatch):
    """Half of them for each of two, at least one, and as many as the user says where he does."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setattr("job.machine.surroundings.threads_possible", lambda most: most)
    shares = {}
    for ranks in (1, 2, 9):
        environ: dict[str, str] = {}
        share_out_threads(environ, 0, ranks)
        shares[ranks] = environ.get("OMP_NUM_THREADS"), environ.get("RAYON_NUM_THREADS")
    assert shares == {1: (None, None), 2: ("3", "3"), 9: ("1", "1")}
    environ = {"OMP_NUM_THREADS": "2"}
    share_out_threads(environ, 0, 2)
    assert environ["OMP_NUM_THREADS"] == "2"


def test_libraries_are_told_before_they_are_loaded(tmp_path):
    """OpenMP and OpenBLAS read their variables once, when torch and numpy are imported."""
    code = """
import os, sys

class Watch:
    def find_spec(name, path=None, target=None):
        if name in ("numpy", "torch"):
            print(name, os.environ.get("OMP_WAIT_POLICY"), os.environ.get("OPENBLAS_NUM_THREADS"))

sys.meta_path.insert(0, Watch)
from job.__main__ import main
main(["predict", "absent", "absent", "--downstream_model_dir=absent"])
"""
    done = python(tmp_path, "-c", code)
    assert sorted(done.stdout.splitlines()) == ["numpy passive 1", "torch passive 1"], done.stderr


def test_warnings_do_not_end_a_run(monkeypatch):
    """PYTHONWARNINGS=error is gone, for this process and for those that it starts; what else was
    asked for stays."""
    monkeypatch.setattr(sys, "warnoptions", ["error", "ignore::DeprecationWarning"])
    environ = {"PYTHONWARNINGS": "error"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.filters[:] = [
            ("ignore", None, DeprecationWarning, None, 0),
            ("error", None, Warning, None, 0),
        ]
        let_warnings_warn(environ)
        warnings.warn("a word", UserWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert [str(each.message) for each in caught] == ["a word"]
    assert (environ, sys.warnoptions) == ({}, ["ignore::DeprecationWarning"])


def test_a_run_takes_the_open_files_that_it_may_have(monkeypatch):
    """The hard limit; more than enough is enough."""
    asked = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits))
    for limits, expected in (
        ((64, 4096), [(4096, 4096)]),
        ((64, 64), []),
        ((1024, 1 << 30), [(65536, 1 << 30)]),
        ((1024, resource.RLIM_INFINITY), [(65536, resource.RLIM_INFINITY)]),
        ((1 << 20, 1 << 20), []),
    ):
        asked.clear()
        monkeypatch.setattr(resource, "getrlimit", lambda which, limits=limits: limits)
        raise_file_limit()
        assert asked == expected, limits


def test_threads_are_counted_as_they_are_set(monkeypatch):
    """A pool has as many as its variable says, or as there are cores; workers come on top."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(16))
    assert threads_wanted({}, workers=0) == 8 + 2 * 15 + 16
    assert threads_wanted({"OMP_NUM_THREADS": "4", "RAYON_NUM_THREADS": "2"}, 0) == 8 + 2 * 3 + 2
    assert threads_wanted({"OMP_NUM_THREADS": "many"}, workers=2) == 8 + 2 * 15 + 16 + 6


@pytest.mark.parametrize(("most", "threads"), [(4, "1"), (1000, "7")])
def test_where_threads_run_out_libraries_start_none(monkeypatch, caplog, most, threads):
    """What is set by hand stays only where there are enough; no thread of the trial is left."""
    start, before = threading.Thread.start, threading.active_count()

    def limited(thread):
        if threading.active_count() >= before + most:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    environ = {"OMP_NUM_THREADS": "7"}
    share_out_threads(environ, workers=0)
    assert environ["OMP_NUM_THREADS"] == threads
    assert ("Only 4 of the" in caplog.text) == (most == 4)
    assert threads_possible(5) == min(most, 5)
    assert threading.active_count() == before


def python(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess:
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environ}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["random", "logging", "tempfile", "json", "torch", "pydantic"])
def test_a_file_of_the_current_folder_is_nobodys_library(tmp_path, name):
    """`python -m` would import it in the place of Python's own, or of the job's libraries."""
    (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} of the current folder')")
    (tmp_path / "tests").mkdir()
    done = python(tmp_path, "-m", "job", "--print_settings")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_python_without_docstrings_is_refused(tmp_path):
    """transformers would fail while it loads, as if the model were damaged."""
    done = python(tmp_path, "-m", "job", "--downstream_corpus_name=sample", PYTHONOPTIMIZE="2")
    assert done.returncode == 64
    assert "PYTHONOPTIMIZE=2" in done.stderr
    assert "Traceback" not in done.stderr
    assert python(tmp_path, "-m", "job", "--version", PYTHONOPTIMIZE="1").returncode == 0


def test_a_current_folder_that_is_gone_is_one_sentence(tmp_path):
    """Deleted under a shell that still stands in it."""
    (tmp_path / "gone").mkdir()
    code = f"import os, sys; os.rmdir({str(tmp_path / 'gone')!r}); os.execv(sys.executable, "
    code += "[sys.executable, '-m', 'job'])"
    done = python(tmp_path / "gone", "-c", code)
    assert done.returncode == 74
    assert "Traceback" not in done.stderr
    assert "No such file or directory" in done.stderr
