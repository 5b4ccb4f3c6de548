"""Whatever the machine is like: a run ends well, or with a documented code and one sentence."""

import os
import subprocess

import pytest

from tests.faults.surroundings import AS_ANOTHER, Surroundings, start
from tests.machine.test_surroundings import LEFT_OVER

pytestmark = pytest.mark.slow

WELL = {
    "every variable of a launcher": Surroundings(
        environ=LEFT_OVER, said="PL_TRAINER_LIMIT_TRAIN_BATCHES: ignored"
    ),
    "warnings as errors, and no good variable": Surroundings(
        environ={
            "PYTHONWARNINGS": "error",
            "PYTHONHASHSEED": "3",
            "OMP_PROC_BIND": "garbage",
            "MKL_NUM_THREADS": "abc",
            "KMP_AFFINITY": "garbage",
            "CUDA_VISIBLE_DEVICES": "garbage",
            "HF_HOME": "/proc/nowhere",
            "HF_HUB_OFFLINE": "perhaps",
            "TOKENIZERS_PARALLELISM": "perhaps",
            "RAYON_NUM_THREADS": "abc",
            "TMPDIR": "/does/not/exist",
            "LC_ALL": "xx_YY.UTF-8",
            "TZ": "Not/AZone",
        }
    ),
    "no home": Surroundings(wrapped=("env", "-u", "HOME")),
    "few open files": Surroundings(
        wrapped=("prlimit", "--nofile=64"),
        flags=("--cpu_workers=2",),
        said="CPU_WORKERS=2: this process may have 64 open files",
    ),
    "few open files at first": Surroundings(
        wrapped=("prlimit", "--nofile=64:4096"), flags=("--cpu_workers=2",)
    ),
    "fewer threads than cores": Surroundings(
        wrapped=(*AS_ANOTHER, "prlimit", "--nproc=8"),
        environ={"OMP_NUM_THREADS": "4"},
        said="so it computes with one",
    ),
    "shared memory that is read-only": Surroundings(
        mounts="mount --bind $FOLDER /dev/shm; mount -o remount,ro,bind /dev/shm",
        flags=("--cpu_workers=2",),
        said="CPU_WORKERS=2: they cannot share a lock (Read-only file system)",
    ),
    "no shared memory": Surroundings(
        mounts="for each in null zero full random urandom; do touch $FOLDER/$each; "
        "mount --bind /dev/$each $FOLDER/$each; done; mount --rbind $FOLDER /dev",
        flags=("--cpu_workers=2",),
        said="CPU_WORKERS=2: /dev/shm has 0.0 MB free",
    ),
    "shared memory that is tiny": Surroundings(
        mounts="mount -t tmpfs -o size=16k none /dev/shm",
        flags=("--cpu_workers=2",),
        said="--shm-size",
    ),
    "a sandbox that tells no boot, memory or groups": Surroundings(
        mounts="mount -t tmpfs none /proc/sys/kernel/random; mount --bind /dev/null /proc/meminfo; "
        "mount --bind /dev/null /proc/cpuinfo; mount -t tmpfs none /sys/fs/cgroup",
        flags=("--batch_size=0",),
        said="BATCH_SIZE=0: ",
    ),
    "a cache that fills up": Surroundings(
        mounts="mount -t tmpfs -o size=8k none $FOLDER", flags=("--cache_dir={spare}",)
    ),
}
REFUSED = {
    "a log that torch does not know": Surroundings(
        environ={"TORCH_LOGS": "+nonsense"}, code=64, said="TORCH_LOGS=+nonsense: "
    ),
    "a number that a library cannot read": Surroundings(
        environ={"HF_HUB_ETAG_TIMEOUT": "abc"}, code=64, said="HF_HUB_ETAG_TIMEOUT=abc: "
    ),
    "no docstrings": Surroundings(
        environ={"PYTHONOPTIMIZE": "2"}, code=64, said="PYTHONOPTIMIZE=2"
    ),
    "no threads": Surroundings(
        wrapped=(*AS_ANOTHER, "prlimit", "--nproc=1"), code=69, said="(1 by ulimit -u)"
    ),
    "few threads": Surroundings(
        wrapped=(*AS_ANOTHER, "prlimit", "--nproc=3"), code=69, said="(3 by ulimit -u)"
    ),
    "little memory": Surroundings(
        wrapped=("prlimit", f"--as={600 << 20}"), code=69, said="Out of memory"
    ),
    "an output of 64 k": Surroundings(
        mounts="mount -t tmpfs -o size=64k none $FOLDER",
        flags=("--downstream_model_dir={spare}/out",),
        code=73,
        said="are needed for one checkpoint or model",
    ),
    "a temporary folder of 64 k": Surroundings(
        mounts="mount -t tmpfs -o size=64k none $FOLDER; export TMPDIR=$FOLDER",
        code=73,
        said="TMPDIR",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def namespaces():
    """These tests mount file systems and set limits, for which they have to be root."""
    command = ["unshare", "--mount", *AS_ANOTHER, "true"]
    if subprocess.run(command, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("no namespace can be made: in CI these tests must run")
        pytest.skip("only root has namespaces: the sweep of surroundings is NOT run")


def started(around: Surroundings, folder) -> tuple[int, str]:
    flags = tuple(flag.replace("{spare}", str(folder / "spare")) for flag in around.flags)
    return start(Surroundings(**{**vars(around), "flags": flags}), folder)


@pytest.mark.parametrize("around", WELL.values(), ids=WELL)
def test_a_run_ends_well(around, tmp_path):
    """What it may do without, it does without: the model is there, and nothing looks broken."""
    code, log = started(around, tmp_path)
    assert code == 0, log
    assert "Traceback" not in log
    assert around.said in log
    assert (tmp_path / "out/model/model.safetensors").exists()


@pytest.mark.parametrize("around", REFUSED.values(), ids=REFUSED)
def test_a_run_says_what_the_machine_lacks(around, tmp_path):
    """A documented code, and a sentence with the limit or the place."""
    code, log = started(around, tmp_path)
    assert code == around.code, log
    assert "Traceback" not in log
    assert "fault of the job" not in log
    assert around.said in log
