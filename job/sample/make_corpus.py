"""Writes the sample corpus, train.txt and val.txt: `python -m job.sample.make_corpus [FOLDER]`.

Sentences are frames (frames.txt) filled with words (words.py) by a seeded generator, the same bytes
each time. Train never sees the held-out words; in val a mention is either one that train has, or
one put together anew, of all words.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from random import Random

from job.sample.particles import choose_particle
from job.sample.words import HELD_OUT, MENTIONS, WORDS

HERE = Path(__file__).parent
SEED = 7
SIZES = {"train": 1500, "val": 300}
SHARES = {"news": 0.40, "talk": 0.19, "review": 0.12, "notice": 0.17, "plain": 0.07, "long": 0.05}
HELD_OUT_EVERY = 4  # each fourth word of a held-out list
SEEN_SHARE = 0.55  # how often a slot of val repeats a mention of train
ATTEMPTS = 50

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{([^{}]+)\}")
NUMBER = re.compile(r"#(\d+)-(\d+)#")
INLINE = re.compile(r"([A-Z]{3}):(.+)")


def read_frames(text: str) -> dict[str, list[str]]:
    """Section → its frames, in order, with the choices that have names written out."""
    frames: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("& "):
            _, name, choice = line.split(" ", 2)
            text = text.replace(f"{{&{name}}}", choice)
    for line in text.splitlines():
        if line.startswith("= "):
            section = frames.setdefault(line[2:], [])
        elif line and not line.startswith(("# ", "& ")):
            section.append(line)
    return frames


@dataclass
class Writer:
    """Fills frames for one split. `known` is what train has: slot → its mentions, each once."""

    rng: Random
    known: Mapping[str, Sequence[str]] | None = None
    made: dict[str, dict[str, None]] = field(default_factory=dict)

    def pick(self, items: Sequence[str]) -> str:
        """One item; `Random.random` alone is promised to be the same in each Python."""
        return items[int(self.rng.random() * len(items))]

    def number(self, low: str, high: str) -> str:
        return str(int(low) + int(self.rng.random() * (int(high) - int(low) + 1)))

    def word(self, name: str) -> str:
        words = WORDS[name].split("|") if "|" in WORDS[name] else WORDS[name].split()
        if name in HELD_OUT and self.known is None:
            words = [w for i, w in enumerate(words) if i % HELD_OUT_EVERY != 3]
        return self.pick(words)

    def expand(self, pattern: str) -> str:
        """A pattern of words.py or of an inline entity, with its words and numbers."""
        pattern = SLOT.sub(lambda slot: self.word(slot[1]), pattern)
        return NUMBER.sub(lambda number: self.number(*number.groups()), pattern)

    def mention(self, slot: str, used: set[str]) -> str:
        """A mention that the sentence has not used yet."""
        patterns = MENTIONS[slot][1].split("|")
        for _ in range(ATTEMPTS):
            if self.known and slot in self.known and self.rng.random() < SEEN_SHARE:
                mention = self.pick(self.known[slot])
            else:
                mention = self.expand(self.pick(patterns))
            sounds_odd = mention[0] == mention[1:2] and not mention[0].isdigit()  # 이이준
            if mention not in used and not sounds_odd:
                used.add(mention)
                return mention
        raise ValueError(f"{{{slot}}} has too few mentions for one sentence; add words.")

    def sentence(self, frame: str) -> tuple[str, str]:
        """The sentence and the sentence with `<mention:TAG>`."""
        while choice := CHOICE.search(frame):
            chosen = self.pick(choice[1].split("|"))
            frame = frame[: choice.start()] + chosen + frame[choice.end() :]
        text = tagged = ""
        used: set[str] = set()
        for i, part in enumerate(SLOT.split(frame)):
            if i % 2 == 0:
                tag, words = "", part
            elif "/" in part and ":" not in part:
                tag, words = "", choose_particle(text, part)
            elif inline := INLINE.fullmatch(part):
                tag, words = inline[1], self.expand(inline[2])
            else:
                tag, words = MENTIONS[part][0], self.mention(part, used)
                self.made.setdefault(part, {})[words] = None
            text += words
            tagged += f"<{words}:{tag}>" if tag else words
        return text, tagged


def write_split(
    writer: Writer, frames: Mapping[str, Sequence[str]], size: int, taken: set[str]
) -> Iterator[str]:
    """Lines `sentence␞tagged`, frame after frame; none whose sentence is in `taken`."""
    for section, share in SHARES.items():
        left = round(size * share)
        order = sorted(frames[section], key=lambda _: writer.rng.random())
        for frame in islice(cycle(order), ATTEMPTS * left):
            if left == 0:
                break
            for text, tagged in (writer.sentence(frame) for _ in range(ATTEMPTS)):
                if text not in taken:
                    taken.add(text)
                    left -= 1
                    yield f"{text}␞{tagged}\n"
                    break
        if left:
            raise ValueError(f"Section {section} gives {left} sentences too few; add frames.")


def make_corpus(frames_text: str) -> dict[str, str]:
    """Name of the split → the text of its file."""
    frames, taken = read_frames(frames_text), set[str]()
    files: dict[str, str] = {}
    known = None
    for split, size in SIZES.items():
        writer = Writer(Random(f"{SEED} {split}"), known)
        lines = list(write_split(writer, frames, size, taken))
        files[split] = "".join(sorted(lines, key=lambda _: writer.rng.random()))
        known = {slot: list(mentions) for slot, mentions in writer.made.items()}
    return files


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else HERE
    folder.mkdir(parents=True, exist_ok=True)
    files = make_corpus((HERE / "frames.txt").read_text(encoding="utf-8"))
    for split, text in files.items():
        (folder / f"{split}.txt").write_text(text, encoding="utf-8", newline="\n")
        print(f"{folder / split}.txt: {text.count(chr(10))} sentences")


if __name__ == "__main__":
    main(sys.argv[1:])
