"""What is said of a split before it is trained on."""

from types import SimpleNamespace

from job.encoding.labels import LabelMap
from job.encoding.windows import encode
from job.sentence import Sentence, Span
from job.training.preparation import LOST, _describe


def test_each_reason_to_lose_an_entity_has_its_words(caplog):
    """A count that is not 0 stands before them, in one sentence."""
    sentences = [Sentence("홍길동은 갔다", (Span(0, 3, "PS"),))] * 9
    encoded = SimpleNamespace(
        ids_P=[0] * 30,
        window_starts_W=[0] * 9,
        sentence_count=9,
        lost={"starts_inside_wordpiece": 0, "ends_inside_wordpiece": 4, "unseen_type": 1},
    )
    with caplog.at_level("INFO"):
        _describe("val", SimpleNamespace(path="val.txt", sentences=sentences), encoded)
    assert caplog.messages[-1] == (
        "val: wordpiece tags cannot return every one of 9 entities exactly: 4 ending inside a "
        "wordpiece, 1 of a type that train lacks."
    )


def test_every_reason_that_encoding_counts_is_known(kcbert):
    """Of both ways to treat long sentences."""
    sentences = [Sentence("홍길동은 갔다", (Span(0, 3, "PS"),))]
    split = encode(
        sentences, kcbert, LabelMap(("PS",)), max_seq_length=64, stride=16, truncate=True
    )
    assert set(split.lost) == set(LOST)
