"""kill -9 of ranks, agents and machines: their runs end as if nothing had happened."""

import random
import signal

import pytest

from tests.faults.rank_kills import SHAPES, Cluster, differences, kill_at_random, until

SEEDS = (1, 2, 3)
KILLS = 4


@pytest.fixture(scope="session")
def outcome_of(world):
    """How a run of so many machines and ranks ends that nothing touches."""
    known: dict[tuple[int, int], dict[str, object]] = {}

    def outcome(machines: int, ranks: int) -> dict[str, object]:
        if (shape := (machines, ranks)) not in known:
            cluster = Cluster(world, f"untouched-{machines}x{ranks}", *shape)
            kill_at_random(cluster, random.Random(0), 0)
            known[shape] = cluster.place.outcome()
        return known[shape]

    return outcome


@pytest.fixture
def cluster(world, request):
    """Two machines of one rank each, whose ranks are not started again."""
    cluster = Cluster(world, request.node.name, 2, 1, restarts=0)
    yield cluster
    cluster.end()


@pytest.mark.parametrize(
    ("machines", "ranks", "seed"),
    [(1, 2, 0)]
    + [pytest.param(*shape, n, marks=pytest.mark.slow) for shape in SHAPES for n in SEEDS],
)
def test_killed_at_random_moments_it_ends_alike(world, outcome_of, machines, ranks, seed):
    """Every machine ends with 0: weights, predictions and metrics as if never touched."""
    print(f"seed {seed}")
    cluster = Cluster(world, f"killed-{machines}x{ranks}-{seed}", machines, ranks)
    kill_at_random(cluster, random.Random(seed), KILLS if seed else 2)
    assert not differences(outcome_of(machines, ranks), cluster.place.outcome())


def test_the_death_of_an_agent_is_noticed_by_its_ranks(cluster):
    """They tell the others, which need not miss its signs of life; and nothing of it is left."""
    until(cluster.saved, cluster)
    cluster.machines[1].process.kill()
    cluster.machines[0].process.wait()
    assert cluster.machines[0].process.returncode == 69, cluster.text()
    assert "The agent of rank 1 has died" in cluster.machines[0].text()
    until(lambda: not any(machine.left() for machine in cluster.machines), cluster)


def test_a_rank_that_is_done_leaves_with_its_agent(cluster):
    """The agent dies before it has taken the rank's result, for which torch would wait."""
    until(cluster.saved, cluster)
    cluster.machines[1].process.send_signal(signal.SIGSTOP)
    assert cluster.machines[0].process.wait() == 0, cluster.text()
    assert cluster.machines[1].ranks()
    cluster.machines[1].process.kill()
    until(lambda: not cluster.machines[1].left(), cluster)
    assert "Traceback" not in cluster.text()
