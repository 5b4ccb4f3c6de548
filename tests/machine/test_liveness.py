"""Whether a process that wrote down its name still lives."""

import os
import subprocess
import sys

from job.machine import liveness


def test_a_process_is_known_by_its_name():
    """This one lives; one that has ended, and was waited for, is gone."""
    assert not liveness.is_gone(liveness.process_name())
    code = "from job.machine import liveness as process; print(process.process_name())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert liveness.is_gone(done.stdout.strip())


def test_without_the_boots_name_nobody_is_called_dead(monkeypatch):
    """A sandbox does not tell its boot, and another machine of the same image has the same names:
    a holder's life is then known by its renewals alone."""
    own = liveness._namespace()
    read = liveness.Path.read_text

    def no_boot(path, *arguments):
        if path.name == "boot_id":
            raise FileNotFoundError(path)
        return read(path, *arguments)

    monkeypatch.setattr(liveness.Path, "read_text", no_boot)
    name = liveness.process_name()
    assert len(name.split()) == 4
    assert not liveness.is_gone(name)
    for elsewhere in ("", "unknown", f"{own} 999999 1", name.replace(liveness.UNTOLD, "0" * 32)):
        assert not liveness.is_gone(elsewhere)
    assert liveness.is_gone(f"{liveness._namespace()} 999999 1")


def test_a_process_that_proc_hides_is_not_gone(monkeypatch):
    """With hidepid another user's processes are not to be seen, and live all the same."""
    name = f"{liveness._namespace()} {os.getppid()} 1"
    monkeypatch.setattr(liveness, "_started", lambda pid: None)
    monkeypatch.setattr(liveness.Path, "exists", lambda path: False)

    def forbid(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbid)
    assert not liveness.is_gone(name)


def test_a_process_that_could_not_see_itself_is_not_called_dead(monkeypatch):
    """Where /proc is not mounted, a name says nothing."""
    monkeypatch.setattr(liveness, "_started", lambda pid: None)
    assert not liveness.is_gone(liveness.process_name())
