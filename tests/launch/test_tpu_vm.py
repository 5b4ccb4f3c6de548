"""The script of `python -m job spec tpu-vm` deletes its TPU VM, whatever happens."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from docker.render_specs import EXAMPLES, SPECS, text_of
from tests.support.gcloud.tools import install

WORDS = EXAMPLES["tpu-vm.sh"]
OTHERS = [
    [*WORDS, changed]
    for changed in ("--epochs=4", "--timeout_hours=2", f"--display_name={'k' * 60}a")
]
NAME = re.search(r"^name=(korean-ner-[0-9a-f]{8})$", (SPECS / "tpu-vm.sh").read_text(), re.M)[1]
PATIENCE_S = 240  # a limit for what hangs


def heed_signals() -> None:
    """Bash cannot trap what is ignored where it starts: SIGHUP under nohup, SIGINT behind `&`."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class Vm:
    """A machine that runs the script, and the VM that it gets: a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.tools = install(folder / "bin", with_gcloud=True)

    def start(self, script: Path = SPECS / "tpu-vm.sh", **environ: str) -> subprocess.Popen:
        return subprocess.Popen(
            ["bash", script],
            env={
                "PATH": f"{self.tools}:{os.environ['PATH']}",
                "VM": str(self.folder),
                "PAUSE_S": "0.05",
                **environ,
            },
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=heed_signals,
        )

    def run(self, script: Path = SPECS / "tpu-vm.sh", **environ: str) -> tuple[int, str]:
        process = self.start(script, **environ)
        log, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, log

    def calls(self, part: str) -> list[str]:
        text = (self.folder / "calls").read_text()
        return [line for line in text.splitlines() if line.startswith(part)]

    def until_called(self, part: str) -> None:
        while not (self.folder / "calls").exists() or not self.calls(part):
            time.sleep(0.02)

    def leave_running(self) -> None:
        """What an earlier call has left: a VM and the job on it."""
        (self.folder / "state").write_text("READY\n")
        (self.folder / "container").write_text("running\n")

    @property
    def exists(self) -> bool:
        return (self.folder / "state").exists()


@pytest.fixture
def vm(tmp_path: Path) -> Vm:
    return Vm(tmp_path)


@pytest.mark.parametrize("queued", [[], ["--queued"]])
@pytest.mark.parametrize("code", [0, 65])
def test_the_vm_is_deleted_when_the_job_ends(vm, tmp_path, queued, code):
    """The log is shown, and the script ends as the job did, with a queue and without."""
    script = tmp_path / "script.sh"
    script.write_text(text_of([*WORDS, *queued]))
    returned, log = vm.run(script, JOB_EXIT_CODE=str(code))
    assert (returned, vm.exists) == (code, False)
    assert "a line of the log" in log
    [started] = vm.calls("docker run")
    for option in ("--privileged --net=host", "--shm-size=16g", "--env ACCELERATOR=tpu"):
        assert option in started


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_vm_is_deleted_when_the_script_is_interrupted(vm, number, code):
    """At once, not when the log ends; before, the job is told to stop, so that it saves."""
    process = vm.start(JOB_SECONDS="60")
    vm.until_called("docker logs")
    os.kill(process.pid, number)
    process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, vm.exists) == (code, False)
    assert vm.calls(f"docker stop --time=120 {NAME}")


def test_a_job_that_hangs_is_stopped_when_its_time_is_over(vm):
    """TIMEOUT_HOURS bounds what a TPU VM costs; the job is told, so that it saves."""
    code, log = vm.run(JOB_SECONDS="600", JOB_HANGS="1", TIMEOUT_S="1")
    assert (code, vm.exists) == (143, False)
    assert "TIMEOUT_HOURS are over." in log
    assert vm.calls(f"docker stop --time=120 {NAME}")


def test_the_time_is_that_of_the_settings():
    """A day where nothing else is said."""
    assert "timeout_s=${TIMEOUT_S:-86400}" in (SPECS / "tpu-vm.sh").read_text()


def test_a_vm_that_appears_after_an_interruption_is_deleted(vm):
    """Google lists a VM a moment after it was asked for: one look at the list is not enough."""
    process = vm.start(CREATE_IS_SLOW="1", PAUSE_S="0.5")
    vm.until_called("gcloud compute tpus tpu-vm create")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    time.sleep(1)
    assert (process.returncode, vm.exists) == (143, False)


def test_the_vm_is_deleted_when_nobody_reads_on(vm):
    """The terminal was closed, or a `| tee` has died: that is no reason to keep a VM."""
    process = vm.start(JOB_SECONDS="600")
    for line in process.stdout:
        if "a line of the log" in line:
            break
    process.stdout.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE_S) == 129
    assert not vm.exists


def test_no_vm_is_left_where_none_was_to_be_had(vm):
    """A create that fails may have made one after all: it is deleted, too."""
    code, _ = vm.run(NO_ROOM="1")
    assert code != 0
    assert vm.calls("gcloud compute tpus tpu-vm delete")
    assert not vm.exists


def test_deleting_is_tried_again(vm):
    """Google may refuse for a while, as it does while the VM is being created."""
    code, log = vm.run(DELETE_FAILS="3")
    assert (code, vm.exists) == (0, False)
    assert f"Deleted {NAME}." in log


def test_a_vm_that_cannot_be_deleted_is_named(vm):
    """With the command that deletes it, and an exit code that says so."""
    code, log = vm.run(DELETE_FAILS="99")
    assert (code, vm.exists) == (74, True)
    assert (vm.folder / f"{NAME}.not-deleted").exists()
    assert f"gcloud compute tpus tpu-vm delete {NAME} --zone=us-central1-a" in log


def test_a_vm_that_is_there_is_taken_over(vm):
    """The job that runs on it is followed, not started a second time."""
    vm.leave_running()
    code, log = vm.run()
    assert (code, vm.exists) == (0, False)
    assert "a line of the log" in log
    assert not vm.calls("gcloud compute tpus tpu-vm create")
    assert not vm.calls("docker run")


def test_a_list_that_fails_says_nothing_of_the_vm(vm):
    """A network that is away for a moment ends no run, neither at its start nor later."""
    vm.leave_running()
    code, _ = vm.run(LIST_FAILS="3", SSH_FAILS="9", JOB_EXIT_CODE="65")
    assert (code, vm.exists) == (65, False)
    assert not vm.calls("gcloud compute tpus tpu-vm create")
    assert not vm.calls("docker stop")


def test_where_nothing_is_known_nothing_is_deleted(vm):
    """Not logged in, say: the VM of an earlier call, and the job on it, go on."""
    vm.leave_running()
    code, log = vm.run(LIST_FAILS="99")
    assert (code, vm.exists) == (69, True)
    assert f"Nothing was created or deleted. If an earlier call has left {NAME}, it goes on" in log
    assert not vm.calls("gcloud compute tpus tpu-vm delete")


def test_a_vm_that_goes_while_it_is_followed_ends_the_script(vm):
    """What the list says is believed where it answers: 69, and nothing is left."""
    process = vm.start(JOB_SECONDS="600", JOB_HANGS="1")
    vm.until_called("docker logs")
    (vm.folder / "state").write_text("PREEMPTED\n")
    (vm.folder / "gone").touch()
    (vm.folder / "stopped").touch()
    process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, vm.exists) == (69, False)


def test_a_second_signal_does_not_end_the_deletion(vm):
    """A closed terminal sends one, and its shell another, before the script has done anything."""
    head = "  local code=$? looks\n"
    script = (SPECS / "tpu-vm.sh").read_text()
    assert head in script
    slow = vm.folder / "slow.sh"
    slow.write_text(script.replace(head, f"{head}  touch handling; sleep 0.5\n"))
    process = vm.start(str(slow), JOB_SECONDS="60")
    vm.until_called("docker logs")
    process.send_signal(signal.SIGHUP)
    while not (vm.folder / "handling").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, vm.exists) == (129, False)
    assert vm.calls("docker stop")


def test_a_signal_before_anything_is_known_leaves_a_vm_and_says_so(vm):
    """It is not deleted unseen; the user learns that it may cost money."""
    vm.leave_running()
    process = vm.start(LIST_TAKES="1")
    vm.until_called("gcloud compute tpus tpu-vm list")
    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, vm.exists) == (130, True)
    assert f"If an earlier call has left {NAME}, it goes on" in log


def test_a_job_that_was_taken_over_saves_before_its_vm_goes(vm):
    """Also where the signal comes while nobody knows yet how it is doing."""
    vm.leave_running()
    process = vm.start(SSH_FAILS="2", PAUSE_S="0.5")
    vm.until_called("gcloud compute tpus tpu-vm ssh")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, vm.exists) == (143, False)
    stops = [call for call in vm.calls("gcloud compute tpus tpu-vm ssh") if "docker stop" in call]
    assert stops


def test_a_reader_that_is_gone_keeps_no_job_from_saving(vm):
    """`| head` has what it wanted; when the time is over, the job is told all the same."""
    process = vm.start(JOB_SECONDS="600", JOB_HANGS="1", TIMEOUT_S="3")
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 143
    assert not vm.exists
    assert vm.calls("docker stop")


def test_a_container_that_never_began_is_made_anew(vm):
    """ssh was cut off between the two halves of `docker run`: nothing has been trained."""
    code, _ = vm.run(STARTS_FAIL="1", JOB_EXIT_CODE="65")
    assert (code, vm.exists) == (65, False)
    assert len(vm.calls("docker run")) == 2
    assert vm.calls("docker rm --force")


def test_a_vm_that_is_waited_for_in_vain_is_deleted(vm):
    """Its state never becomes READY, or cannot be read: the wait has an end, in either case."""
    (vm.folder / "state").write_text("REPAIRING\n")
    code, log = vm.run(WAIT_S="1")
    assert (code, vm.exists) == (69, False)
    assert "There is no TPU VM to be had" in log


def test_a_vm_that_is_being_deleted_is_waited_for(vm):
    """The script is run again right after a Ctrl-C elsewhere: another VM takes its place."""
    (vm.folder / "state").write_text("DELETING\n")
    process = vm.start()
    vm.until_called("gcloud compute tpus tpu-vm list")
    (vm.folder / "state").unlink()
    process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, vm.exists) == (0, False)
    assert len(vm.calls("gcloud compute tpus tpu-vm create")) == 1


def test_nothing_outlives_the_script(vm):
    """No ssh to a VM that is no longer there holds a pipe, or the terminal, open."""
    process = vm.start(JOB_SECONDS="30")
    vm.until_called("docker logs")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)  # ends when nobody holds its stdout any more
    assert (process.returncode, vm.exists) == (143, False)


def test_other_work_has_another_vm():
    """So no script follows, and at its end deletes, what another has started."""
    scripts = [text_of(words) for words in (WORDS, *OTHERS)]
    names = [re.search(r"^name=(.*)$", script, re.M)[1] for script in scripts]
    assert names[0] == NAME
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 63


def test_a_vm_that_was_taken_away_is_replaced(vm):
    """Of a preempted Spot VM only the name is left: it goes first."""
    (vm.folder / "state").write_text("PREEMPTED\n")
    code, _ = vm.run()
    assert (code, vm.exists) == (0, False)
    assert len(vm.calls("gcloud compute tpus tpu-vm delete")) == 2
    assert len(vm.calls("gcloud compute tpus tpu-vm create")) == 1
