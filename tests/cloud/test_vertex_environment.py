"""What Vertex AI's variables mean."""

import json

import pytest

from job.__main__ import main
from job.cloud.vertex_environment import VertexEnvironment, read_vertex, require_one_machine
from job.errors import ArgumentError

CLUSTER = {
    "workerpool0": ["main-0:2222"],
    "workerpool1": ["a-0:2222", "a-1:2222", "a-2:2222"],
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
    [("workerpool0", 0, 0), ("workerpool1", 0, 1), ("workerpool1", 1, 2), ("workerpool1", 2, 3)],
)
def test_ranks_count_through_the_pools_in_order(pool, index, rank):
    """Rank 0 is the first pool's; the main address is that of rank 0 on every node."""
    vertex = read_vertex(cluster_spec(pool, index))
    assert (vertex.node_rank, vertex.node_count) == (rank, 4)
    assert (vertex.main_address, vertex.main_port) == ("main-0", 2222)
    assert vertex.in_cloud


def test_ranks_do_not_depend_on_the_order_of_the_json():
    """The first pool has rank 0 wherever it stands, and pools that the job leaves out are empty."""
    pools = {"workerpool3": [], "workerpool1": ["h1:2222"], "workerpool0": ["h0:2222"]}
    vertices = [read_vertex(cluster_spec(f"workerpool{n}", 0, pools)) for n in (0, 1)]
    assert [(v.node_rank, v.node_count, v.main_address) for v in vertices] == [
        (0, 2, "h0"),
        (1, 2, "h0"),
    ]
    alone = {"workerpool0": ["h0:2222"], "workerpool1": []}
    assert read_vertex(cluster_spec("workerpool0", 0, alone)).node_count == 1


@pytest.mark.parametrize(
    ("pool", "kind"),
    [("workerpool2", "parameter servers or the Reduction Server"), ("workerpool3", "evaluators")],
)
def test_machines_that_are_not_there_to_train_are_refused(pool, kind):
    """On each machine of such a cluster, with the pool to put them into."""
    for cluster, task in (
        ({**CLUSTER, pool: ["b-0:2222"]}, "workerpool0"),
        ({**CLUSTER, pool: ["b-0:2222"]}, pool),
        (CLUSTER, pool),
    ):
        with pytest.raises(ArgumentError) as caught:
            read_vertex(cluster_spec(task, 0, cluster))
        assert str(caught.value) == (
            f"CLUSTER_SPEC has a machine in {pool}, which Vertex AI keeps for {kind}, and this job "
            "has none; put all machines but the first into the second pool, workerpool1."
        )


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


def spoilt(pool="workerpool1", index=0, **pools):
    """CLUSTER_SPEC with other pools, or another task, than is right."""
    return cluster_spec(pool, index, {**CLUSTER, **pools})["CLUSTER_SPEC"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "Expecting value"),
        ("nonsense" * 1000, "Expecting value"),
        ("[" * 100_000, "recursion"),
        ("[]", "it is no JSON object"),
        ("3", "it is no JSON object"),
        ("{}", "'cluster' is missing"),
        (json.dumps({"cluster": CLUSTER}), "'task' is missing"),
        (json.dumps({"cluster": CLUSTER, "task": {}}), "'type' is missing"),
        (json.dumps({"cluster": CLUSTER, "task": 1}), "'task' is no JSON object"),
        (json.dumps({"cluster": CLUSTER, "task": {"type": "workerpool0"}}), "'index' is missing"),
        ('{"cluster": {}, "task": {}}', "no machine in 'workerpool0'"),
        ('{"cluster": [], "task": {}}', "'cluster' is no JSON object"),
        (spoilt(index=3), "the task, number 3 of 'workerpool1', is not in 'cluster'"),
        (spoilt(index=-1), "the task, number -1 of 'workerpool1', is not in 'cluster'"),
        (spoilt(index=10**999), "is not in 'cluster'"),
        (spoilt("workerpool9"), "the task, number 0 of 'workerpool9', is not in 'cluster'"),
        (spoilt(["workerpool0"]), "is not in 'cluster'"),
        (spoilt(index=None), "the task's index, None, is no whole number"),
        (spoilt(index=True), "the task's index, True, is no whole number"),
        (spoilt(index=1.0), "the task's index, 1.0, is no whole number"),
        (spoilt(index="1"), "the task's index, '1', is no whole number"),
        (spoilt(workerpool0=[]), "no machine in 'workerpool0'"),
        (json.dumps({"cluster": {"workerpool1": ["a:1"]}, "task": {}}), "no machine in 'workerp"),
        (spoilt(workerpool0="main-0:2222"), "'workerpool0' is no list"),
        (spoilt(workerpool1={"a-0:2222": 0}), "'workerpool1' is no list"),
        (spoilt(workerpool2=3), "'workerpool2' is no list"),
        (spoilt(workerpool4=["c:2222"]), "Vertex AI has four pools"),
        (spoilt(workerpool0=["host"]), "'host' is not host:port"),
        (spoilt(workerpool0=["host:port"]), "'host:port' is not host:port"),
        (spoilt(workerpool0=[":2222"]), "':2222' is not host:port"),
        (spoilt(workerpool0=["host:0"]), "'host:0' is not host:port"),
        (spoilt(workerpool0=["host:65536"]), "'host:65536' is not host:port"),
        (spoilt(workerpool0=["host:2222\n"]), "is not host:port"),
        (spoilt(workerpool0=[5]), "5 is not host:port"),
        (spoilt(workerpool1=["a-0:2222", "a-1"]), "'a-1' is not host:port"),
        (spoilt(workerpool1=["a-0:2222", "a-0:2222"]), "'a-0:2222' is named twice"),
        (spoilt(workerpool1=["main-0:2222"]), "'main-0:2222' is named twice"),
    ],
)
def test_a_cluster_that_makes_no_sense_is_an_argument_error(text, why):
    """One short line names CLUSTER_SPEC and what is wrong, however long or broken its value is."""
    with pytest.raises(ArgumentError, match="CLUSTER_SPEC = ") as caught:
        read_vertex({"CLUSTER_SPEC": text})
    assert why in str(caught.value)
    assert caught.value.exit_code == 64
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
