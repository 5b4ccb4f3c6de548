"""What may be taken away from the container, and how it tells of what it cannot do without."""

import pytest

from tests.container.containers import AS_USER, run

LOCKED = [
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--network=none",
    "--user=12345:23456",
    "--tmpfs=/tmp",
]


def test_it_runs_with_nothing_but_its_mounts(toy):
    """No network, no capability, an unknown uid, a read-only root, read-only corpus and model."""
    done = run([*toy.options(), *LOCKED])
    assert done.code == 0, done.out + done.err
    assert toy.has_model()


def test_the_sample_runs_on_tmpfs_alone():
    """Without a mount, the output may lie on the one file system that can be written."""
    done = run(LOCKED, "--test_mode", "--downstream_model_dir=/tmp/output")
    assert done.code == 0, done.out + done.err
    assert "report   /tmp/output/report/index.html" in done.out


def test_named_volumes_are_open_to_any_uid():
    """Volumes that docker makes take over the image's modes: no chown is needed."""
    done = run(
        ["--user=12345", "--volume=/work/output", "--volume=/tmp/cache"],
        *("check", "--downstream_corpus_name=sample"),
    )
    assert done.code == 0, done.out + done.err


def ends_in_one_sentence(options: list[str], code: int, path: str) -> None:
    done = run([*AS_USER, *options])
    assert done.code == code, done.out + done.err
    assert done.out.splitlines()[-1][9:].startswith("ERROR ")
    assert path in done.out.splitlines()[-1]
    assert "Traceback" not in done.out + done.err


@pytest.mark.parametrize(
    ("options", "path"),
    [(["--tmpfs=/tmp"], "./output"), ([], "/tmp")],
    ids=["output", "nowhere at all"],
)
def test_a_read_only_folder_that_has_to_be_written_is_named(options, path):
    """One sentence with the path, no traceback."""
    ends_in_one_sentence(["--read-only", *options], 73, path)


def test_a_folder_of_another_user_is_named(toy):
    """Output that may not be written, corpus and model that may not be read: exit 77."""
    toy.output.chmod(0o555)
    ends_in_one_sentence(toy.options(), 77, "output")
    toy.output.chmod(0o777)
    for folder, path in ((toy.model, "/model"), (toy.corpus, "/data/toy")):
        for file in folder.iterdir():
            file.chmod(0o000)
        ends_in_one_sentence(toy.options(), 77, path)
        for file in folder.iterdir():
            file.chmod(0o644)


def test_too_little_shared_memory_is_noticed_and_survived(toy):
    """Worker processes would be killed by SIGBUS: a warning, and batches come without them."""
    done = run([*toy.options(CPU_WORKERS="2"), "--shm-size=64k"])
    assert done.code == 0, done.out + done.err
    assert "WARNING CPU_WORKERS=2: /dev/shm has" in done.out
    done = run(toy.options(CPU_WORKERS="2", RESUME="never"))  # docker's 64 MB are enough
    assert done.code == 0, done.out + done.err
    assert "/dev/shm" not in done.out


def test_no_gpu_is_told_at_once():
    """ACCELERATOR=gpu ends before a corpus is read; auto computes on the CPU."""
    done = run(["--env=ACCELERATOR=gpu"])
    assert done.code == 69
    assert "ERROR ACCELERATOR=gpu: torch" in done.out
    assert "train:" not in done.out


def test_compiling_without_a_compiler_is_refused():
    """The image has none: COMPILE says so before it starts."""
    done = run([], "--compile", "--test_mode")
    assert done.code == 64
    assert "COMPILE=true needs a compiler" in done.out
