"""The Hugging Face Trainer with the usual labels, to be compared with. Needs `accelerate`.

A sentence is split at blanks and punctuation, as the tokenizer splits it before it makes
wordpieces; the first wordpiece of each word has the word's tag, the others have none (-100), as in
transformers' examples/pytorch/token-classification. An entity is found from its first word's start
to its last word's end. The learning rate falls linearly, which is the Trainer's default.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from job.encoding import OUTSIDE_ID, LabelMap
from job.evaluation import score_spans
from job.sentence import Sentence, Span

IGNORED = -100


class Words(torch.utils.data.Dataset):
    """Sentences as wordpieces, cut at `length`, with the bounds of the words that they begin."""

    def __init__(
        self,
        sentences: Sequence[Sentence],
        tokenizer: PreTrainedTokenizerFast,
        label_map: LabelMap,
        length: int,
    ):
        split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
        self.rows: list[dict[str, list[int]]] = []
        self.words: list[list[tuple[int, int]]] = []  # of each first wordpiece, in order
        for sentence in sentences:
            words = [bounds for _, bounds in split(sentence.text)]
            texts = [sentence.text[start:end] for start, end in words]
            row = tokenizer(texts, is_split_into_words=True, truncation=True, max_length=length)
            tags = [_tag(sentence, start, end, label_map) for start, end in words]
            labels, firsts, before = [], [], None
            for word in row.word_ids():
                is_first = word is not None and word != before
                labels.append(tags[word] if is_first else IGNORED)
                if is_first:
                    firsts.append(words[word])
                before = word
            self.rows.append({"input_ids": row["input_ids"], "labels": labels})
            self.words.append(firsts)

    def __getitem__(self, number: int) -> dict[str, list[int]]:
        return self.rows[number]

    def __len__(self) -> int:
        return len(self.rows)


def _tag(sentence: Sentence, start: int, end: int, label_map: LabelMap) -> int:
    """The label of a word: B- where an entity begins in it, I- where one goes on into it."""
    for span in sentence.spans:
        if start <= span.start < end:
            return label_map.begin_ids[span.type]
        if span.start < start < span.end:
            return label_map.begin_ids[span.type] + len(label_map.types)
    return OUTSIDE_ID


def train_hugging_face(
    start: Path,
    scratch: Path,
    train: Sequence[Sentence],
    val: Sequence[Sentence],
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    *,
    length: int,
    batch_size: int,
    epochs: int,
    learning_rate: float,
    seed: int,
) -> list[float]:
    """Trains on the CPU in bf16; returns entity F1 on exact characters after each epoch."""
    f1: list[float] = []
    measured = Words(val, tokenizer, label_map, length)
    collator = DataCollatorForTokenClassification(tokenizer)
    gold = [sentence.spans for sentence in val]

    class Measure(TrainerCallback):
        def on_epoch_end(self, args, state, control, model=None, **kwargs):
            logits = trainer.predict(measured).predictions
            found = [
                _spans(row[np.array(labels) != IGNORED].argmax(-1), words, label_map)
                for row, labels, words in zip(
                    (r[: len(m["labels"])] for r, m in zip(logits, measured.rows, strict=True)),
                    (m["labels"] for m in measured.rows),
                    measured.words,
                    strict=True,
                )
            ]
            f1.append(score_spans(gold, found, label_map.types).micro.f1)

    trainer = Trainer(
        model=AutoModelForTokenClassification.from_pretrained(start),
        args=TrainingArguments(
            output_dir=str(scratch),
            num_train_epochs=epochs,
            per_device_train_batch_size=batch_size,
            per_device_eval_batch_size=128,
            learning_rate=learning_rate,
            seed=seed,
            bf16=True,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=Words(train, tokenizer, label_map, length),
        data_collator=collator,
        callbacks=[Measure()],
    )
    trainer.train()
    return f1


def _spans(labels: np.ndarray, words: Sequence[tuple[int, int]], label_map: LabelMap) -> list[Span]:
    """Entities of words; an I- that follows no word of its type begins one, as seqeval has it."""
    spans: list[Span] = []
    types = label_map.types
    before = None
    for label, (start, end) in zip(labels.tolist(), words, strict=True):
        code = label - OUTSIDE_ID - 1
        if code < 0:
            before = None
            continue
        type_ = types[code % len(types)]
        if code >= len(types) and before == type_:
            spans[-1] = Span(spans[-1].start, end, type_)
        else:
            spans.append(Span(start, end, type_))
        before = type_
    return spans
