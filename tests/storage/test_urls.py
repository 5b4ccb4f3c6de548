"""Places that cannot be are said before anything is imported or made."""

import subprocess
import sys
from pathlib import Path

import pytest

from job.errors import ArgumentError
from job.storage.urls import broken_rule, masked
from tests.support.arguments import parse

NOWHERE = Path("/nonexistent")
VARIABLES = (
    *("DOWNSTREAM_MODEL_DIR", "DOWNSTREAM_CORPUS_ROOT_DIR", "PRETRAINED_MODEL_NAME", "RESUME"),
)


def mistake(name: str, place: str) -> str:
    with pytest.raises(ArgumentError) as caught:
        parse([], {name: place}, NOWHERE)
    [line] = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("gs://", "it names no bucket; write gs://BUCKET/FOLDER"),
        ("gs:///run", "it names no bucket; write gs://BUCKET/FOLDER"),
        ("gcs:// /run", "it names no bucket"),
        ("gs://${BUCKET}/run", "nothing has put a value in the place of ${BUCKET}"),
        ("gs://bucket/${RUN}/x", "nothing has put a value in the place of ${RUN}"),
        ("out/$(date)", "nothing has put a value in the place of $(date)"),
        ("gs://$BUCKET/run", "'$BUCKET' is no bucket, whose name has lower-case letters, digits"),
        ("gs:bucket/run", "before a folder of such a name write ./"),
        ("scheme:/x", "before a folder of such a name write ./"),
        ("file:/x", "before a folder of such a name write ./"),
        ("file:", "before a folder of such a name write ./"),
        ("file://", "it names no folder"),
        ("file://localhost/tmp/x", "after file:// comes a path from the root"),
        ("local://out", "after local:// comes a path from the root, as in local:///folder"),
        ("file://~/out", "after file:// comes a path from the root"),
        ("s3:///run", "it names nothing after s3://"),
        ("memory://", "it names nothing after memory://"),
        ("GS://bucket/run", "its scheme in lower case"),
        ("simplecache::gs://bucket/run", "begins with its only scheme"),
        ("gs://bucket/a/../b", "without '.' and '..' as names in it"),
        ("gs://bucket/./b", "without '.' and '..' as names in it"),
        ("gs://bucket/a\nb", "without control characters"),
        ("gs://My_Bucket/run", "has lower-case letters, digits, '-', '_' and '.' only"),
    ],
)
def test_what_names_no_place_is_refused_alike_everywhere(name, place, said):
    """The sentence names the variable and the rule, and no place is made of a part of it."""
    if name == "RESUME" and "/" not in place:
        said = "must be"  # a checkpoint has a folder, too
    line = mistake(name, place)
    assert line.startswith(f"{name} = ")
    assert said in line


@pytest.mark.parametrize(
    ("bucket", "rule"),
    [
        ("ab", "has 3 to 63 characters, with dots up to 222"),
        ("a" * 64, "has 3 to 63 characters, with dots up to 222"),
        (".".join(["a" * 60] * 4), "has 3 to 63 characters, with dots up to 222"),
        ("a.b" + "c" * 64, "has 1 to 63 characters before, between and after its dots"),
        ("a..b", "has 1 to 63 characters before, between and after its dots"),
        ("-ab", "begins and ends with a letter or a digit"),
        ("ab_", "begins and ends with a letter or a digit"),
        ("Abc", "has lower-case letters, digits, '-', '_' and '.' only"),
        ("버킷이름", "has lower-case letters, digits, '-', '_' and '.' only"),
        ("10.0.0.1", "is not an IP address"),
        *((good, None) for good in ("abc", "a" * 63, "a.b-c_d.com", "1a2", f"{'a' * 60}.b", "123")),
    ],
)
def test_a_buckets_name_keeps_the_rules(bucket, rule):
    """Each rule of Google's is said where it is the one that is broken."""
    assert broken_rule(bucket) == rule


@pytest.mark.parametrize("bucket", ["goog-run", "my-google-runs", "g00gle"])
def test_googles_own_buckets_are_read_and_not_written(bucket):
    """Nobody else can have such a bucket, and some of them are public."""
    assert "does not begin with 'goog'" in mistake("DOWNSTREAM_MODEL_DIR", f"gs://{bucket}/run")
    parse([], {"PRETRAINED_MODEL_NAME": f"gs://{bucket}/model"}, NOWHERE)


def test_a_web_server_takes_no_output():
    """It is said before hours of work, whatever the scheme's case."""
    assert "a web server takes no output" in mistake("DOWNSTREAM_MODEL_DIR", "HTTPS://host/run")
    parse([], {"DOWNSTREAM_CORPUS_ROOT_DIR": "https://host/corpora"}, NOWHERE)


@pytest.mark.parametrize(
    "place",
    [
        *("out/run[1]", "out/x::y", "run:1/x", "./gs:/x", "~nobody-here/x", "out/한 글?*#%&+:"),
        *("-out", "-", "--out/x", "~", "~/x", ":", "::", "a:", ":b", "C:\\x", ".", "..", "./-"),
        *("../out", "/", "gs://bucket", "gs://bucket//run/", "file:///tmp/x", "gs://bucket/[a]#1"),
    ],
)
def test_a_name_that_can_be_is_taken_as_it_is(place):
    """No character of a name means anything."""
    settings = parse([], {"DOWNSTREAM_MODEL_DIR": place}, NOWHERE).settings
    assert settings.downstream_model_dir == place


@pytest.mark.parametrize("name", ["beomi/kcbert-base", "bert-base-cased", "hf://models/a/b"])
def test_names_on_the_hub_are_no_paths(name):
    """A model's name is taken as it is."""
    assert (
        parse([], {"PRETRAINED_MODEL_NAME": name}, NOWHERE).settings.pretrained_model_name == name
    )


@pytest.mark.parametrize("words", [["gs:///in.txt", "-"], ["in.txt", "gs://${B}/out.txt"]])
def test_the_files_of_predict_are_judged_alike(words):
    """IN and OUT are places, too."""
    with pytest.raises(ArgumentError, match=r"predict: (IN|OUT) = .* must be a path or a URL"):
        parse(["predict", *words], {}, NOWHERE)


def test_nothing_is_imported_or_made_for_a_place_that_cannot_be(tmp_path):
    """The exit code is 64, torch is not loaded, and no folder `gs:` appears."""
    code = (
        "import sys; from job.__main__ import main\n"
        "code = main(['check', '--downstream_model_dir=gs:///run'])\n"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 64
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pass@a.example/b.txt?token=x", "https://(secret)@a.example/b.txt?(secret)"),
        ("https://a.example/b?sign=x,y|z#t", "https://a.example/b?(secret)"),
        ("https://a.example/b?x|gs://bucket/c", "https://a.example/b?(secret)|gs://bucket/c"),
        ("gs://bucket/what?,gs://bucket/b", "gs://bucket/what?,gs://bucket/b"),
    ],
)
def test_messages_hide_what_can_be_secret(text, shown):
    """Users, passwords and the queries of web servers, whole; a bucket's names have no query."""
    assert masked(text) == shown
