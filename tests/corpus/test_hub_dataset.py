"""Datasets of the hub: the files of one configuration, and how their tags are called."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub import Fault, Hub
from tests.support.parquet import classes, parquet

ROOT = Path(__file__).parent.parent.parent
TOKEN = "hf_secretsecret"
CLIENT = """
import json, logging, sys
from pathlib import Path
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
from job.corpus.download import hub_dataset
from job.corpus.load import load_corpus
from job.errors import JobError
from job.storage import RetryPolicy, set_retry_policy
url, token, cache, megabytes = json.loads(sys.argv[1])
set_retry_policy(RetryPolicy(first_wait_s=0.01))
try:
    corpus = load_corpus(
        "mine", None, Path(cache), place=url, token=token, force_download=False, sha256={},
        max_rejected_ratio=0.05, max_download_mb=megabytes, allow_unseen_labels=True,
    )
except JobError as error:
    print(f"{type(error).__name__}: {error}")
else:
    splits = (corpus.train, corpus.val, corpus.test)
    print(json.dumps({s.name: [[x.text, x.spans] for x in s.sentences] for s in splits if s}))
"""


def load(hub, cache, url, token=None, megabytes=1, **environment):
    """The splits' sentences, or the error's text; the log is kept in `load.log`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    clean |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(cache / "home"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, json.dumps([url, token, str(cache), megabytes])],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    load.log = done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout.strip()


@pytest.fixture
def hub():
    with Hub() as running:
        yield running


NAMES = ("O", "B-PS", "B-LC")


def rows(word, *tags):
    return [{"tokens": [word, "이", str(i)], "ner_tags": [tag, 0, 0]} for i, tag in enumerate(tags)]


def shard(word, *tags, names=NAMES):
    return parquet(rows(word, *tags), {"ner_tags": classes(*names)})


def lines(word, *tags):
    return "\n".join(map(json.dumps, rows(word, *tags))).encode()


def front_matter(**table):
    return f"---\n{json.dumps(table)}\n---\n# Mine\n".encode()  # JSON is YAML


def words(splits):
    return {name: [text[0] for text, _ in split] for name, split in splits.items()}


def types(splits):
    return {
        name: {span[2] for _, spans in split for span in spans} for name, split in splits.items()
    }


TWO = front_matter(
    configs=[
        {
            "config_name": name,
            "data_files": [
                {"split": "train", "path": f"{name}/train-*"},
                {"split": "validation", "path": f"{name}/held_out-*"},
            ],
        }
        for name in ("ner", "other")
    ]
)
SHARDS = {
    "README.md": TWO,
    "ner/train-00000-of-00002-9a0b1c2d3e4f5a6b.parquet": shard("가", 1),
    "ner/train-00001-of-00002-0a0b1c2d3e4f5a6b.parquet": shard("나", 2),
    "ner/held_out-00000-of-00001.parquet": shard("다", 1, 2),
    "other/train-00000-of-00001.parquet": shard("라", 1),
    "other/held_out-00000-of-00001.parquet": shard("마", 1),
}


def test_a_configuration_is_the_files_that_readme_names(hub, tmp_path):
    """Shards with hashed names are one split, which is that of README.md, not of a file's name."""
    hub.add("datasets/klue/klue", SHARDS)
    found = load(hub, tmp_path, "hf://datasets/klue/klue/ner")
    assert words(found) == {"train": ["가", "나"], "val": ["다", "다"]}
    assert types(found) == {"train": {"PS", "LC"}, "val": {"PS", "LC"}}
    assert not any("other/" in path for path in hub.paths("GET"))


def test_of_several_configurations_one_must_be_named(hub, tmp_path):
    """Unless README.md says which is the default, or one is called so."""
    hub.add("datasets/klue/klue", SHARDS)
    said = load(hub, tmp_path, "hf://datasets/klue/klue")
    assert said == (
        "ArgumentError: hf://datasets/klue/klue has several configurations: ner, other; name one, "
        "as in hf://datasets/klue/klue/ner"
    )
    said = load(hub, tmp_path, "hf://datasets/klue/klue/nre")
    assert said.endswith("klue/klue/nre: there is no nre in it, but ner, other; name one.")
    hub.add(
        "datasets/klue/klue",
        SHARDS
        | {
            "README.md": TWO.replace(
                b'"config_name": "ner"', b'"default": true, "config_name": "ner"'
            )
        },
    )
    assert words(load(hub, tmp_path, "hf://datasets/klue/klue"))["train"] == ["가", "나"]


def test_a_file_or_a_folder_of_the_repository_may_be_named(hub, tmp_path):
    """Without a table in README.md its files are taken by their names, as anywhere."""
    files = {"data/train.jsonl": lines("가", 1, 2), "data/dev.jsonl": lines("나", 1)}
    hub.add(
        "datasets/o/d",
        files | {"label_names.txt": "\n".join(NAMES).encode(), ".gitattributes": b""},
    )
    for url in ("hf://datasets/o/d", "hf://datasets/o/d/data"):
        assert words(load(hub, tmp_path, url)) == {"train": ["가", "가"], "val": ["나"]}
    assert words(load(hub, tmp_path, "hf://datasets/o/d/data/train.jsonl")) == {
        "train": ["가"],
        "val": ["가"],
    }


def test_a_dataset_of_a_script_is_read_as_the_hub_converted_it(hub, tmp_path):
    """The conversion lies on a branch of its own: a folder a configuration, in it one a split."""
    hub.add("datasets/o/d", {"d.py": b"raise SystemExit", "dummy/ner/dummy_data.zip": b"PK"})
    assert load(hub, tmp_path, "hf://datasets/o/d").startswith(
        "DataError: hf://datasets/o/d: its repository holds no sentences, or a script that makes "
        "them, and the hub has not converted it to Parquet"
    )
    converted = {
        "ner/train/0000.parquet": shard("가", 1),
        "ner/train/0001.parquet": shard("나", 2),
        "ner/validation/0000.parquet": shard("다", 1),
        "re/train/0000.parquet": shard("라", 1),
    }
    hub.add("datasets/o/d", converted, "refs/convert/parquet")
    expected = {"train": ["가", "나"], "val": ["다"]}
    assert words(load(hub, tmp_path, "hf://datasets/o/d/ner")) == expected
    assert "has several configurations: ner, re; name one" in load(
        hub, tmp_path, "hf://datasets/o/d"
    )
    for revision in ("~parquet", "refs/convert/parquet"):
        assert words(load(hub, tmp_path, f"hf://datasets/o/d@{revision}/ner")) == expected
    part = {path.replace("train", "partial-train"): data for path, data in converted.items()}
    hub.add("datasets/o/d", part, "refs/convert/parquet")
    assert "has converted only a part of it" in load(hub, tmp_path, "hf://datasets/o/d/ner")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "README.md",
            """---
dataset_info:
- config_name: other
  features:
  - name: ner_tags
    sequence:
      class_label:
        names: {'0': X, '1': B-NO}
- config_name: ner
  features:
  - name: pos_tags
    sequence:
      class_label:
        names: {'0': X, '1': NN}
  - name: ner_tags
    sequence:
      class_label:
        names:
          '0': O
          '1': B-PS
          '2': B-LC
---
""",
        ),
        (
            "dataset_infos.json",
            json.dumps(
                {
                    "other": {"features": {"ner_tags": classes("X", "B-NO")}},
                    "ner": {"features": {"pos": classes("A"), "ner_tags": classes(*NAMES)}},
                }
            ),
        ),
    ],
)
def test_tags_are_named_by_what_describes_the_configuration(hub, tmp_path, name, content):
    """README.md or dataset_infos.json at the top of the repository."""
    files = {"ner/train.jsonl": lines("가", 1, 2), "ner/dev.jsonl": lines("나", 1)}
    hub.add("datasets/o/d", files | {name: content.encode()})
    assert types(load(hub, tmp_path, "hf://datasets/o/d/ner")) == {
        "train": {"PS", "LC"},
        "val": {"PS"},
    }
    files = {path.replace("ner/", "x/"): data for path, data in files.items()}
    hub.add("datasets/o/d", files | {name: content.encode()})
    said = load(hub, tmp_path, "hf://datasets/o/d")
    assert said.startswith(f"DataError: {name} beside ")
    assert "names `ner_tags` in 2 ways, one for each configuration" in said


def test_a_pinned_commit_is_fetched_once(hub, tmp_path):
    """A commit does not change; `main` may, and is asked for again."""
    pinned = hub.add("datasets/o/d", SHARDS)
    hub.add(
        "datasets/o/d",
        SHARDS | {"ner/train-00001-of-00002-0a0b1c2d3e4f5a6b.parquet": shard("바", 2)},
    )
    url = f"hf://datasets/o/d@{pinned}/ner"
    assert words(load(hub, tmp_path, url))["train"] == ["가", "나"]
    assert words(load(hub, tmp_path, "hf://datasets/o/d/ner"))["train"] == ["가", "바"]
    hub.requests.clear()
    assert words(load(hub, tmp_path, url))["train"] == ["가", "나"]
    assert hub.requests == []


def test_without_an_answer_the_copy_is_taken_if_it_is_whole(hub, tmp_path):
    """A copy that lacks a shard would be another corpus."""
    hub.add("datasets/o/d", SHARDS)
    hub.faults.append(Fault("GET .*train-00001", times=99, status=503))
    assert load(hub, tmp_path, "hf://datasets/o/d/ner").startswith(
        "UnavailableError: hf://datasets"
    )
    offline = {"HF_HUB_OFFLINE": "1"}
    said = load(hub, tmp_path, "hf://datasets/o/d/ner", **offline)
    assert re.match(r"UnavailableError: hf://datasets/o/d/ner: .*HF_HUB_OFFLINE", said)
    hub.faults.clear()
    found = load(hub, tmp_path, "hf://datasets/o/d/ner")
    assert load(hub, tmp_path, "hf://datasets/o/d/ner", **offline) == found
    assert "the hub did not answer (HF_HUB_OFFLINE is set); the copy of commit" in load.log


def test_a_private_dataset_needs_the_token(hub, tmp_path):
    """It goes to the hub alone, and into no message."""
    hub.tokens.add(TOKEN)
    hub.add("datasets/o/d", SHARDS, private=True)
    assert "knows no such dataset, or it is private" in load(hub, tmp_path, "hf://datasets/o/d/ner")
    assert words(load(hub, tmp_path, "hf://datasets/o/d/ner", TOKEN))["train"] == ["가", "나"]
    assert "rejected the token" in load(hub, tmp_path / "2", "hf://datasets/o/d/ner", TOKEN + "x")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hf://datasets/o/none", "ArgumentError: hf://datasets/o/none: .* knows no such dataset"),
        ("hf://datasets/o/d@v9/ner", "ArgumentError: .*v9/ner: o/d has no such commit, branch or"),
        ("hf://datasets/o", "ArgumentError: hf://datasets/o is no dataset .*OWNER/NAME"),
    ],
)
def test_what_the_hub_does_not_have_is_named(hub, tmp_path, url, message):
    """One sentence, with the address as it was given."""
    hub.add("datasets/o/d", SHARDS)
    assert re.match(message, load(hub, tmp_path, url))


def test_too_large_a_dataset_is_refused_before_it_is_fetched(hub, tmp_path):
    """By the sizes of the files that the configuration has."""
    large = {"train.jsonl": b" " * 1_100_000}
    hub.add("datasets/o/d", large)
    assert "larger than MAX_DOWNLOAD_MB=1" in load(hub, tmp_path, "hf://datasets/o/d")
    assert not any("/resolve/" in path for path in hub.paths("GET"))


def test_a_table_that_names_no_file_is_refused(hub, tmp_path):
    """Else a split would be missing in silence."""
    files = {path: data for path, data in SHARDS.items() if "held_out" not in path}
    hub.add("datasets/o/d", files)
    said = load(hub, tmp_path, "hf://datasets/o/d/ner")
    assert "README.md names ner/held_out-* for validation of ner" in said
