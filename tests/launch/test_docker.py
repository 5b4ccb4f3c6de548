"""The `docker run` line."""

import shlex
import subprocess

import pytest

from tests.support.specs import BUCKET, IMAGE, mistakes_of, spec_of


def test_docker_mounts_folders_and_passes_the_token_by_its_name():
    """The corpus and the model are mounted read-only, the output and the cache to be written."""
    argv = ("--downstream_corpus_root_dir=/data/my corpora", "--pretrained_model_name=./model")
    text = spec_of("docker", "--image=job:1", *argv, environ={"HF_TOKEN": "hunter2"})
    assert "source='/data/my corpora',target=/corpora,readonly" in text
    assert 'source="$PWD"/model,target=/model,readonly' in text
    assert 'source="$PWD"/output,target=/output \\' in text
    assert "--env HF_TOKEN \\" in text
    assert "--gpus all" in text
    assert "--shm-size=16g" in text
    assert "hunter2" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
    forgotten = subprocess.run(["bash"], input=text, text=True, capture_output=True, env={})
    assert "HF_TOKEN: export it" in forgotten.stderr, "a line of .env reaches no docker"


def test_docker_starts_without_a_gpu_where_the_cpu_is_asked_for():
    """On a laptop, `--gpus all` would be an error of docker's."""
    text = spec_of("docker", "--image=job:1", "--accelerator=cpu")
    assert "--gpus" not in text
    assert "--env ACCELERATOR=cpu" in text


def test_a_machine_of_one_s_own_has_as_many_gpus_as_it_has():
    """DEVICES is not judged here, where nobody knows them; ranks start again where it is asked."""
    text = spec_of("docker", IMAGE, "--devices=4", "--restarts=2")
    assert "--env DEVICES=4" in text
    assert "--env RESTARTS=2" in text
    assert "idle" not in text


def test_docker_takes_credentials_along_where_a_bucket_is_used():
    """Those of gcloud's application default login, read-only."""
    text = spec_of("docker", "--image=job:1", BUCKET)
    assert "target=/gcloud,readonly" in text
    assert '.config/gcloud}"\n' in text, "docker mounts no missing folder"
    assert "gcloud" not in spec_of("docker", "--image=job:1")


def test_docker_takes_what_it_does_not_mount(tmp_path, monkeypatch):
    """A comma in a bucket, and the embedded model beside a folder of its name."""
    (tmp_path / "sample").mkdir()
    monkeypatch.chdir(tmp_path)
    text = spec_of("docker", IMAGE, "--downstream_corpus_root_dir=gs://bkt/a,b")
    assert "target=/corpora" not in text
    assert "target=/gcloud" in text
    assert "target=/model" not in spec_of("docker", IMAGE, "--downstream_corpus_name=sample")
    [found] = mistakes_of("docker", IMAGE, "--downstream_model_dir=https://example.com/out")
    assert "a web server takes no output" in found


@pytest.mark.parametrize(
    ("place", "source", "target"),
    [
        ("/data/news.jsonl", "/data/news.jsonl", "/corpus/news.jsonl"),
        ("my corpora/뉴스/", "\"$PWD\"/'my corpora/뉴스/'", "'/corpus/뉴스'"),
        ("~/a b", "\"$HOME\"/'a b'", "'/corpus/a b'"),
        (".", '"$PWD"/.', "/corpus"),
        ("..", '"$PWD"/..', "/corpus"),
    ],
)
def test_docker_mounts_the_corpus_under_its_own_name(place, source, target):
    """A file or a folder, and the job in the container is told that one place alone."""
    text = spec_of("docker", "--image=job:1", f"--downstream_corpus={place}")
    assert f"--mount type=bind,source={source},target={target},readonly" in text
    value = target.strip("'")
    assert f"--env {shlex.quote(f'DOWNSTREAM_CORPUS={value}')} " in text
    assert "DOWNSTREAM_CORPUS_NAME=" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0


@pytest.mark.parametrize(
    ("place", "mistake"),
    [
        ("/my,data", "docker's --mount takes no comma and no quote"),
        ('/my"data', "docker's --mount takes no comma and no quote"),
        ("~else/data", "another user's home is not known here"),
    ],
)
def test_folders_that_docker_cannot_mount_are_refused(place, mistake):
    """Before docker says something that nobody understands."""
    for name in (
        *("downstream_corpus", "downstream_corpus_root_dir"),
        *("downstream_model_dir", "cache_dir"),
    ):
        [found] = mistakes_of("docker", "--image=job:1", f"--{name}={place}")
        assert mistake in found


def test_a_model_s_folder_is_mounted_whatever_it_looks_like(tmp_path, monkeypatch):
    """`output/model` could be an id of the hub, were there no such folder here."""
    monkeypatch.chdir(tmp_path)
    argv = ("docker", "--image=job:1", "--pretrained_model_name=output/model")
    assert "--env PRETRAINED_MODEL_NAME=output/model" in spec_of(*argv)
    (tmp_path / "output/model").mkdir(parents=True)
    assert 'source="$PWD"/output/model,target=/model,readonly' in spec_of(*argv)
    [found] = mistakes_of("vertex-gpu", IMAGE, BUCKET, argv[2])
    assert "has no such folder" in found
