"""What Vertex AI's variables mean."""

import json

import pytest

from job.__main__ import main
from job.cloud.vertex_environment import VertexEnvironment, read_vertex, require_one_machine
from job.errors import ArgumentError

CLUSTER = {
    "workerpool0": ["main-0:2222"],
    "workerpool1": ["a-0:2222", "a-1:2222"],
    "workerpool2": ["b-0:2222"],
}


def cluster_spec(pool, index, cluster=CLUSTER, **more):
    task = {"type": pool, "index": index, "trial": ""}
    spec = {"cluster": cluster, "environment": "cloud", "task": task, "job": '{"a": 1}', **more}
    return {"CLUSTER_SPEC": json.dumps(spec)}


def test_outside_vertex_this_machine_is_the_only_node():
    """Without Vertex AI's variables, or with empty ones, nothing is taken for a cloud."""
    assert read_vertex({"HOME": "/root", "CLUSTER_SPEC": ""}) == VertexEnvironment()
    assert not VertexEnvironment().in_cloud


@pytest.mark.parametrize(
    ("pool", "index", "rank"),
    [("workerpool0", 0, 0), ("workerpool1", 0, 1), ("workerpool1", 1, 2), ("workerpool2", 0, 3)],
)
def test_ranks_count_through_the_pools_in_order(pool, index, rank):
    """Rank 0 is the first pool's; the main address is that of rank 0 on every node."""
    vertex = read_vertex(cluster_spec(pool, index))
    assert (vertex.node_rank, vertex.node_count) == (rank, 4)
    assert (vertex.main_address, vertex.main_port) == ("main-0", 2222)
    assert vertex.in_cloud


def test_ranks_do_not_depend_on_the_order_of_the_json_or_of_the_letters():
    """Pools are ordered by their numbers: 10 comes after 2."""
    pools = {f"workerpool{n}": [f"h{n}:2222"] for n in (10, 2, 1, 0)}
    ranks = [read_vertex(cluster_spec(f"workerpool{n}", 0, pools)).node_rank for n in (0, 1, 2, 10)]
    assert ranks == [0, 1, 2, 3]


def test_the_output_goes_to_the_base_directory_of_the_trial():
    """Every trial of a tuning job has its own folder, log folder, id and metric file."""
    vertex = read_vertex(
        {
            "AIP_MODEL_DIR": "gs://b/run/7/model/",
            "AIP_CHECKPOINT_DIR": "gs://b/run/7/checkpoints/",
            "AIP_TENSORBOARD_LOG_DIR": "gs://b/run/7/logs/",
            "CLOUD_ML_TRIAL_ID": "7",
            "CLOUD_ML_HP_METRIC_FILE": "/x/metrics",
        }
    )
    assert vertex.base_dir == "gs://b/run/7"
    assert vertex.tensorboard_dir == "gs://b/run/7/logs/"
    assert (vertex.trial_id, vertex.metric_file, vertex.in_cloud) == ("7", "/x/metrics", True)


@pytest.mark.parametrize(
    ("variable", "url", "base"),
    [
        ("AIP_MODEL_DIR", "gs://b/model", "gs://b"),
        ("AIP_MODEL_DIR", "gs://b/other/", "gs://b/other"),
        ("AIP_CHECKPOINT_DIR", "gs://b/run/checkpoints/", "gs://b/run"),
    ],
)
def test_the_base_directory_is_the_parent_of_the_folder_that_vertex_names(variable, url, base):
    """Where that is called model or checkpoints; any other folder is the base itself."""
    assert read_vertex({variable: url}).base_dir == base


def test_the_trial_may_come_with_the_cluster():
    """The trial in CLUSTER_SPEC counts where CLOUD_ML_TRIAL_ID is not set."""
    spec = json.loads(cluster_spec("workerpool0", 0)["CLUSTER_SPEC"])
    spec["task"]["trial"] = "3"
    assert read_vertex({"CLUSTER_SPEC": json.dumps(spec)}).trial_id == "3"


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "nonsense" * 1000,
        "[]",
        "3",
        "{}",
        '{"cluster": {}, "task": {}}',
        '{"cluster": [], "task": {}}',
        cluster_spec("workerpool1", 2)["CLUSTER_SPEC"],
        cluster_spec("workerpool1", -1)["CLUSTER_SPEC"],
        cluster_spec("workerpool9", 0)["CLUSTER_SPEC"],
        cluster_spec("workerpool0", None)["CLUSTER_SPEC"],
        cluster_spec("workerpool0", 0, {"workerpool0": []})["CLUSTER_SPEC"],
        cluster_spec("workerpool0", 0, {"workerpool0": ["host"]})["CLUSTER_SPEC"],
        cluster_spec("workerpool0", 0, {"workerpool0": ["host:port"]})["CLUSTER_SPEC"],
        cluster_spec("workerpool0", 0, {"workerpool0": ["host:0"]})["CLUSTER_SPEC"],
        cluster_spec("workerpool0", 0, {"workerpool0": [5]})["CLUSTER_SPEC"],
    ],
)
def test_a_cluster_that_makes_no_sense_is_an_argument_error(text):
    """One short line names CLUSTER_SPEC, however long or broken its value is."""
    with pytest.raises(ArgumentError, match="CLUSTER_SPEC = ") as caught:
        read_vertex({"CLUSTER_SPEC": text})
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [["check"], ["train", "--accelerator=tpu"]])
def test_what_takes_one_machine_is_refused_on_a_cluster(words, monkeypatch, capsys):
    """A TPU, and the check, which tries one machine: exit code 69, before anything."""
    spec = {
        "cluster": {"workerpool0": ["a:2222"], "workerpool1": ["b:2222"]},
        "task": {"type": "workerpool0", "index": 0},
    }
    monkeypatch.setenv("CLUSTER_SPEC", json.dumps(spec))
    monkeypatch.setenv("DOWNSTREAM_MODEL_DIR", "/nowhere")
    assert main(words) == 69
    assert "CLUSTER_SPEC names 2 machines" in capsys.readouterr().out
    require_one_machine(read_vertex({}), "this")
