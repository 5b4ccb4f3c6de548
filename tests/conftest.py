"""What several tests share: the real data, where it is, and tiny models built on the spot."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from hypothesis import settings

# Two threads of a tiny model wait for each other longer than they compute.
os.environ["OMP_NUM_THREADS"] = "1"
# Read once, when gcsfs is imported: else it asks a bucket for its type, for minutes.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"

from job.corpus import load_corpus
from job.sentence import Sentence, Span
from job.storage import retry

# No example is timed: a busy machine is not a wrong answer.
settings.register_profile("untimed", deadline=None, print_blob=True)
settings.load_profile("untimed")

pytest_plugins = ["tests.support.stores"]

TEXTS = [
    "서울에서 김민수가 2월 3일 오후 2시에 만났다.",
    "한국은행은 금리를 3.5%로 올렸다고 밝혔다.",
    "나는 어제 부산에 갔다가 3만 원을 썼다.",
    "The quick brown fox <태그> 값은 1,000원: 끝!",
    "이순신 장군은 명량에서 열두 척으로 싸웠다.",
]


def pytest_report_header() -> str:
    where = os.environ.get("NER_TEST_DATA")
    return f"NER_TEST_DATA: {'set' if where else 'NOT SET: every test on real data is skipped'}"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: an archive made now differs from one made a second later."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Tests log lone surrogates on purpose; a worker process cannot send them as they are."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def signals_left_alone():
    """A job in this process takes over signals, and would leave with the next that comes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def log_and_retry_policy_left_alone():
    """A job in this process logs to a stream that is closed after its test, hears of uncaught
    errors, and is as patient as its arguments say."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, ("job", "__main__"))]
    levels = [logger.level for logger in loggers]
    handlers, hooks = list(root.handlers), (sys.excepthook, threading.excepthook)
    policy = retry.retry_policy()
    yield
    retry.set_retry_policy(policy)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with kmou/ and kcbert/."""
    where = os.environ.get("NER_TEST_DATA")
    if where:
        return Path(where)
    if os.environ.get("CI"):
        pytest.fail("NER_TEST_DATA is not set: in CI the tests on real data must run")
    pytest.skip("NER_TEST_DATA is not set: the real corpus and vocabulary are NOT tested")


@pytest.fixture(scope="session")
def kmou(real_data: Path, tmp_path_factory: pytest.TempPathFactory):
    """KMOU's named-entity corpus, parsed."""
    cache = tmp_path_factory.mktemp("cache")
    return load_corpus(
        "kmou",
        str(real_data),
        cache,
        force_download=False,
        sha256={},
        max_rejected_ratio=0.0,
        max_download_mb=100,
        allow_unseen_labels=False,
    )


@pytest.fixture(scope="session")
def kcbert(real_data: Path, tmp_path_factory: pytest.TempPathFactory):
    """KcBERT's tokenizer, as the hub serves it."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("kcbert")
    for name in ("vocab.txt", "config.json"):
        (folder / name).write_bytes((real_data / "kcbert" / name).read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {"do_lower_case": False, "model_max_length": 300, "tokenizer_class": "BertTokenizer"}
        )
    )
    return AutoTokenizer.from_pretrained(folder)


def _wordpiece():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer, {"unk_token": "[UNK]", "pad_token": "[PAD]"}


def _unigram():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=150,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer, {"unk_token": "<unk>", "pad_token": "<pad>"}


def _byte_level():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
            ),
        ]
    )
    return tokenizer, {"pad_token": "<pad>"}


KINDS: dict[str, Callable] = {
    "wordpiece": _wordpiece,
    "sentencepiece": _unigram,
    "byte-level": _byte_level,
}


@pytest.fixture(scope="session")
def tokenizers_by_kind():
    """A fast tokenizer of each kind, trained on a few sentences."""
    from transformers import PreTrainedTokenizerFast

    built = {kind: build() for kind, build in KINDS.items()}
    return {
        kind: PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)
        for kind, (tokenizer, tokens) in built.items()
    }


@pytest.fixture
def two_sentences() -> list[Sentence]:
    """One short sentence with entities and one without."""
    text = "서울에서 김민수가 만났다."
    return [
        Sentence(text, (Span(0, 2, "LOC"), Span(5, 8, "PER")), 1),
        Sentence("나는 어제 갔다.", (), 2),
    ]


@pytest.fixture
def memory():
    """An in-memory bucket, which is emptied behind the test."""
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
