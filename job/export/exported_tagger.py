"""Finds the named entities of texts with the model in this folder, on exact characters.

Needs torch and transformers, and nothing of the project that trained the model:

    from tagger import Tagger
    for entity in Tagger(".")("김민수는 서울에서 태어났다."):
        print(entity.start, entity.end, entity.type, entity.text, entity.score)

A long text is read in overlapping windows; the likeliest valid sequence of tags is taken; and where
in its last wordpiece an entity ends is looked up in ends.json, which was counted from the training
corpus: `서울에서` can be one wordpiece, of which two characters are the entity.
"""

import json
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import normalizers
from transformers import AutoModelForTokenClassification, AutoTokenizer


class Entity(NamedTuple):
    """text[start:end]; `score` is the mean probability of the tags of its wordpieces."""

    start: int
    end: int
    type: str
    text: str
    score: float


class Tagger:
    """A loaded model: called with a text, it returns the text's entities in order."""

    def __init__(self, folder: str | Path, device: str = "cpu"):
        def content(name: str) -> dict:
            return dict(json.loads(Path(folder, name).read_text("utf-8")))

        facts = content("MANIFEST.json")["facts"]
        self.ends = content("ends.json")["clusters"] if facts["entity ends"] == "table" else {}
        tokenizer = AutoTokenizer.from_pretrained(folder)
        mask = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
        special, at = tokenizer("a")["input_ids"], mask.index(0) if 0 in mask else len(mask)
        self.prefix, self.suffix = special[:at], special[at + mask.count(0) :]
        self.capacity = int(facts["max sequence length"]) - mask.count(1)
        self.overlap = min(int(facts["window stride"]), self.capacity // 2)
        self.truncates = facts["long sentences"] == "truncate"
        self.tokenizer = tokenizer.backend_tokenizer
        self.tokenizer.no_truncation()
        if facts["normalize"] == "nfc":
            both = [normalizers.NFC(), self.tokenizer.normalizer]
            self.tokenizer.normalizer = normalizers.Sequence([each for each in both if each])
        self.model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32)
        self.model.to(device).eval()
        names = [name for _, name in sorted(self.model.config.id2label.items())]
        self.first = names.index("O")  # what stands before it is never a tag: [CLS], [PAD] …
        self.labels = names[self.first :]  # O, then B- of each type, then I- of each type

    def __call__(self, text: str) -> list[Entity]:
        pieces, logits = self.read(text)
        tags, types = likeliest(logits), len(self.labels) // 2
        scores = logits.softmax(1)[range(len(tags)), tags].tolist()
        found: list[Entity] = []
        for first, tag in enumerate(tags):
            if not 1 <= tag <= types:  # no entity begins here
                continue
            last = first
            while tags[last + 1 : last + 2] == [tag + types]:
                last += 1
            start = max(pieces[first][0], found[-1].end if found else 0)
            end = self.end(text, pieces[last], self.labels[tag][2:])
            if start < end:
                score = sum(scores[first : last + 1]) / (last + 1 - first)
                found.append(Entity(start, end, self.labels[tag][2:], text[start:end], score))
        return found

    @torch.inference_mode()
    def read(self, text: str) -> tuple[list[list[int]], torch.Tensor]:
        """The bounds of each wordpiece, and its logits in the order of `labels`."""
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        logits = torch.full((len(encoded.ids), len(self.labels)), -1e9)
        logits[:, 0] = 0  # O, where a truncated text is not read
        for start, end, first, last in self.windows(len(encoded.ids)):
            row = torch.tensor([[*self.prefix, *encoded.ids[start:end], *self.suffix]])
            out = self.model(input_ids=row.to(self.model.device)).logits[0].float().cpu()
            at = len(self.prefix) - start
            logits[first:last] = out[at + first : at + last, self.first :]
        return bounds(text, encoded.offsets), logits

    def windows(self, count: int) -> list[tuple[int, int, int, int]]:
        """(start, end, first, last): a run of wordpieces, and the part of it that is scored."""
        size = self.capacity
        if count <= size or self.truncates:
            return [(0, min(count, size), 0, min(count, size))] if count else []
        starts = [*range(0, count - size, size - self.overlap), count - size]
        cuts = [0, *((start + size + after) // 2 for start, after in pairwise(starts)), count]
        return [(s, s + size, *cut) for s, cut in zip(starts, pairwise(cuts), strict=True)]

    def end(self, text: str, piece: list[int], type_: str) -> int:
        """Where in its last wordpiece an entity ends. One character of it stays."""
        written, known = text[slice(*piece)], self.ends.get(type_, {})
        starts = [
            i for i in range(len(written)) if i == 0 or not goes_on(written[i], written[i - 1])
        ]
        ending = unicodedata.normalize("NFC", written)[-12:]
        behind = next((known[ending[i:]] for i in range(len(ending)) if ending[i:] in known), 0)
        return piece[0] + [*starts, len(written)][max(len(starts) - behind, 1)]


def likeliest(logits: torch.Tensor) -> list[int]:
    """The sequence of tags with the highest sum in which I-X follows B-X or I-X alone."""
    tags, types = logits.argmax(1).tolist(), logits.shape[1] // 2
    if all(tag <= types or before in (tag, tag - types) for before, tag in pairwise([0, *tags])):
        return tags
    best, back = logits[0].double(), []
    best[types + 1 :] = -torch.inf
    for row in logits[1:].double():
        came = best.argmax().repeat(len(best))
        begins, insides = best[1 : types + 1], best[types + 1 :]
        came[types + 1 :] = torch.arange(1, types + 1) + types * (insides > begins)
        best = best[came] + row
        back.append(came.tolist())
    tags = [int(best.argmax())]
    for origins in reversed(back):
        tags.append(origins[tags[-1]])
    return tags[::-1]


def bounds(text: str, offsets: list[tuple[int, int]]) -> list[list[int]]:
    """Wordpieces without the blanks around them, to the end of their last character."""
    pieces = []
    for start, end in offsets:
        inside = [i for i in range(start, end) if not text[i].isspace()]
        pieces.append([inside[0], inside[-1] + 1] if inside else [start, end])
    for piece, (limit, _) in pairwise([*pieces, [len(text), 0]]):
        while piece[1] < limit and goes_on(text[piece[1]]):
            piece[1] += 1
    return pieces


def goes_on(character: str, before: str = "") -> bool:
    """Whether it belongs to the character before it, as a reader sees it: jamo, marks, emoji."""
    code = ord(character)
    jamo = 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FB
    joins = 0x1F3FB <= code <= 0x1F3FF or "\u200d" in (character, before)
    return jamo or joins or unicodedata.category(character)[0] == "M"
