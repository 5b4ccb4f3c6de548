"""However a container ends in mid-training, the next one goes on."""

import re
import time

from tests.container.containers import docker, run, running

FOREVER = {"EPOCHS": "100000"}
GOING_ON = r"Going on from \S+step=(\d+): epoch \d+, step \d+"


def goes_on_from(toy) -> int:
    """The step at which another container of the same run starts."""
    with running(toy.options(**FOREVER)) as container:
        return int(container.wait_for(GOING_ON)[1])


def test_docker_stop_saves_and_the_next_run_ends_the_job(toy):
    """SIGTERM: a checkpoint, exit 143, all within docker's 10 seconds; then on, to the model."""
    with running(toy.options(EPOCHS="60")) as container:
        container.wait_for("Saved ")
        before = toy.saved_steps()[-1]
        asked_at = time.monotonic()
        assert docker("stop", container.name).code == 0
        assert time.monotonic() - asked_at < 10
        assert container.wait() == 143
        assert "Stopped by SIGTERM" in container.log()
    stopped_at = toy.saved_steps()[-1]
    assert stopped_at >= before
    assert not toy.has_model()
    done = run(toy.options(EPOCHS="60"))
    assert done.code == 0, done.out + done.err
    assert int(re.search(GOING_ON, done.out)[1]) == stopped_at
    assert toy.has_model()
    assert "Done already" in run(toy.options(EPOCHS="60")).out


def test_a_stop_before_training_ends_at_once(toy):
    """While the heavy libraries are still loading, too: 143, and not docker's SIGKILL."""
    with running(toy.options()) as container:
        time.sleep(0.5)
        asked_at = time.monotonic()
        docker("stop", container.name)
        assert time.monotonic() - asked_at < 5
        assert container.wait() == 143


def test_a_killed_container_is_gone_on_from(toy):
    """kill -9 gives nobody a chance to save: the newest checkpoint in the output counts."""
    with running(toy.options(**FOREVER)) as container:
        container.wait_for("Saved ")
        docker("kill", "--signal=KILL", container.name)
        assert container.wait() == 137
    newest = toy.saved_steps()[-1]
    assert goes_on_from(toy) == newest


def test_a_container_out_of_memory_is_gone_on_from(toy):
    """The kernel kills the job (137) when its cgroup is full; more memory, and it goes on."""
    limited = [*toy.options(**FOREVER), "--memory=2g", "--memory-swap=2g", "--tmpfs=/fill:size=4g"]
    with running(limited) as container:
        container.wait_for("Saved ")
        # A memory file system counts as the container's memory, and no process owns it.
        docker("exec", container.name, "sh", "-c", "head -c 3G /dev/zero > /fill/zeros")
        assert container.wait() == 137
        assert container.inspect("{{.State.OOMKilled}}") == "true"
    newest = toy.saved_steps()[-1]
    assert goes_on_from(toy) == newest
