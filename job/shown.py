"""Sentences shown as they were read, so that a person sees what will be learned.

`<홍길동:PER>은 …`: a mention and its type in the tutorial's markup, whatever the file's format is.
"""

import logging
import re
from collections.abc import Sequence

from job.sentences import Sentence
from job.splits import Split

logger = logging.getLogger(__name__)

LONGEST_SHOWN = 200  # characters of one sentence
BEFORE = 40  # characters shown before the first mention where a sentence has to be cut
USUAL = 60  # characters of a sentence that is easy to look at
CUT = "…"
UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\ufeff\u00ad]")


def tell_sentences(split: Split, count: int) -> None:
    """Logs `count` sentences of a split, each in one line."""
    for sentence in chosen(split.sentences, count):
        logger.info("%s, line %d: %s", split.name, sentence.line, marked(sentence))


def chosen(sentences: Sequence[Sentence], count: int) -> list[Sentence]:
    """Up to `count` sentences that show as many entity types as can be, in the file's order."""
    left = [(sentence, {span.type for span in sentence.spans}) for sentence in sentences]
    seen: set[str] = set()
    found: list[Sentence] = []
    while left and len(found) < count:
        best = min(
            range(len(left)),
            key=lambda i: (-len(left[i][1] - seen), abs(len(left[i][0].text) - USUAL)),
        )
        sentence, types = left.pop(best)
        found.append(sentence)
        seen |= types
    return sorted(found, key=lambda sentence: sentence.line)


def marked(sentence: Sentence) -> str:
    """The sentence with its mentions marked, in at most 200 characters and in one line."""
    text, spans = sentence.text, sentence.spans
    first = spans[0].start if spans else 0
    whole = len(text) + sum(len(span.type) + 3 for span in spans) <= LONGEST_SHOWN
    position = 0 if whole or first <= BEFORE else first - BEFORE
    shown = CUT if position else ""
    for span in spans:
        before = text[position : span.start]
        mention = _shortened(text[span.start : span.end], LONGEST_SHOWN // 2)
        markup = f"<{_printable(mention)}:{_printable(span.type)}>"
        room = LONGEST_SHOWN - len(shown) - len(markup) - 1
        if len(before) > room:
            return shown + _printable(text[position : position + max(room, 0)]) + CUT
        shown += _printable(before) + markup
        position = span.end
    room = LONGEST_SHOWN - len(shown)
    return shown + _printable(_shortened(text[position:], room))


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + CUT


def _printable(text: str) -> str:
    """What moves the cursor or is not seen, as an escape."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
