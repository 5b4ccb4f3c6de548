"""Sentences shown as they were read, so that a person sees what will be learned.

`<홍길동:PER>은 …`: a mention and its type in the tutorial's markup, whatever the file's format is.
"""

import logging
import re
from collections.abc import Sequence

from job.corpus.split import Split
from job.sentence import Sentence

logger = logging.getLogger(__name__)

LONGEST_SHOWN = 200  # characters of one sentence
LONGEST_TYPE = 40
BEFORE = 40  # characters shown before the first mention where a sentence has to be cut
USUAL = 60  # characters of a sentence that is easy to look at
CUT = "…"
UNPRINTABLE = re.compile(
    "[\0-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def tell_sentences(split: Split, count: int) -> None:
    """Logs `count` sentences of a split, each in one line."""
    for sentence in chosen(split.sentences, count):
        logger.info("%s, line %d: %s", split.name, sentence.line, marked(sentence))


def chosen(sentences: Sequence[Sentence], count: int) -> list[Sentence]:
    """Up to `count` sentences that show as many entity types as can be, in the file's order."""
    nearest: dict[frozenset[str], int] = {}  # types -> index of the best sentence that has them
    order = sorted(range(len(sentences)), key=lambda i: abs(len(sentences[i].text) - USUAL))
    for i in order:
        nearest.setdefault(frozenset(span.type for span in sentences[i].spans), i)
    candidates = sorted((i, types) for types, i in nearest.items() if types)
    seen: set[str] = set()
    found: dict[int, None] = {}
    while candidates and len(found) < count:
        best = min(
            candidates,
            key=lambda c: (-len(c[1] - seen), abs(len(sentences[c[0]].text) - USUAL)),
        )
        found[best[0]] = None
        seen |= best[1]
        candidates = [(i, types) for i, types in candidates if types - seen]
    for i in order:
        if len(found) >= count:
            break
        found[i] = None
    return [sentences[i] for i in sorted(found)]


def marked(sentence: Sentence) -> str:
    """The sentence with its mentions marked, in at most 200 characters and in one line."""
    text, spans = sentence.text, sentence.spans
    first = spans[0].start if spans else 0
    whole = len(text) + sum(len(span.type) + 3 for span in spans) <= LONGEST_SHOWN
    position = 0 if whole or first <= BEFORE else first - BEFORE
    shown = CUT if position else ""
    for span in spans:
        before = _printable(text[position : span.start])
        mention = _shortened(_printable(text[span.start : span.end]), LONGEST_SHOWN // 2)
        markup = f"<{mention}:{_shortened(_printable(span.type), LONGEST_TYPE)}>"
        room = LONGEST_SHOWN - len(shown) - len(markup) - 1
        if len(before) > room:
            return shown + before[: max(room, 0)] + CUT
        shown += before + markup
        position = span.end
    return shown + _shortened(_printable(text[position:]), LONGEST_SHOWN - len(shown))


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + CUT


def _printable(text: str) -> str:
    """What moves the cursor or is not seen, as an escape."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
