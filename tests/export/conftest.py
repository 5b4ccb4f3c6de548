"""A run's output with a model that tags by a table, and what tags with it."""

import pytest

from job.export.folder import export_model
from job.predict import predict
from tests.support.tiny import LABELS, make_network, make_tokenizer


@pytest.fixture(scope="session")
def output(tmp_path_factory):
    """What a run leaves: the model below `model/`."""
    folder = tmp_path_factory.mktemp("output")
    export_model(
        folder / "model",
        model=make_network(),
        tokenizer=make_tokenizer(tmp_path_factory.mktemp("tokenizer")),
        label_map=LABELS,
        ends=None,
        metrics={},
        trained={},
        facts={"max sequence length": "16"},
        prove=lambda folder: None,
    )
    return folder


@pytest.fixture
def run(output, tmp_path):
    """Tags `content`; returns the bytes written."""

    def tag(content, in_name="in.txt", out_name="out.txt", model=output):
        (tmp_path / in_name).write_bytes(content.encode() if isinstance(content, str) else content)
        out = tmp_path / out_name
        tag.count = predict(
            str(model), str(tmp_path / in_name), str(out), cache_dir=tmp_path / "cache"
        )
        return out.read_bytes().decode()

    return tag
