"""The ends of entities inside of wordpieces, from a table of what train has shown.

In Korean a particle sticks to the name: `서울에서` can be one wordpiece, of which two characters
are the entity. How many clusters of an entity's last piece lie behind its end is looked up by the
longest ending of the piece that train has shown with this type: the whole piece, or an ending that
two entities had. After a place, `…에서` is 2. Nothing of it is learned by the network.
"""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from job.encoding.clusters import cluster_starts
from job.encoding.encoded import EncodedSplit
from job.encoding.labels import OUTSIDE_ID, LabelMap
from job.errors import DataError
from job.sentence import Sentence

LONGEST = 12  # characters of a piece's ending that are looked at
FORMAT = 1


@dataclass(frozen=True)
class EndTable:
    """Entity type → ending of a piece, composed (NFC) → grapheme clusters behind the entity's end.

    An ending stands here only where a shorter one would say otherwise.
    """

    clusters: Mapping[str, Mapping[str, int]]

    @classmethod
    def from_split(
        cls, sentences: Sequence[Sentence], split: EncodedSplit, label_map: LabelMap
    ) -> "EndTable":
        """Counts the last pieces of all entities of the training split."""
        counts: dict[str, dict[str, Counter[int]]] = {
            t: defaultdict(Counter) for t in label_map.types
        }
        pieces = _last_pieces(sentences, split, label_map)
        for (piece, type_), seen in pieces.items():
            for ending in _endings(piece):
                counts[type_][ending].update(seen)
        whole = {(_endings(piece)[-1], type_) for piece, type_ in pieces}
        return cls(
            {
                type_: _essential(
                    {e: n for e, n in each.items() if n.total() > 1 or (e, type_) in whole}
                )
                for type_, each in counts.items()
            }
        )

    @cached_property
    def is_empty(self) -> bool:
        """Whether no entity ends inside of a piece."""
        return not any(any(each.values()) for each in self.clusters.values())

    def end(self, text: str, start: int, end: int, type_: str) -> int:
        """Where in `text` an entity ends whose last piece is [start, end). One cluster stays."""
        return start + _end_within(self, text[start:end], type_)

    def __hash__(self) -> int:
        return id(self)

    def to_json(self) -> str:
        """The table as a file."""
        return json.dumps(
            {"format": FORMAT, "clusters": self.clusters}, ensure_ascii=False, indent=1
        )

    @classmethod
    def from_json(cls, content: str, where: str, label_map: LabelMap) -> "EndTable":
        """Reads `to_json`. Raises DataError where it is damaged or of another model."""
        try:
            read = json.loads(content)
            clusters = {
                str(type_): {str(ending): int(n) for ending, n in endings.items()}
                for type_, endings in read["clusters"].items()
            }
            version = read["format"]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{where} is no table of ends ({error}); export the model again."
            ) from error
        if version != FORMAT or set(clusters) != set(label_map.types):
            raise DataError(
                f"{where} is the table of another model (its types are {', '.join(clusters)}); "
                "restore the file that was exported with this one."
            )
        return cls(clusters)


@lru_cache(maxsize=100_000)
def _end_within(table: EndTable, piece: str, type_: str) -> int:
    starts = cluster_starts(piece)
    behind = 0
    endings = table.clusters.get(type_, {})
    for ending in reversed(_endings(piece)):
        if ending in endings:
            behind = endings[ending]
            break
    kept = max(len(starts) - behind, 1)
    return [*starts, len(piece)][kept]


def _endings(piece: str) -> list[str]:
    """From the shortest to the longest."""
    composed = unicodedata.normalize("NFC", piece)[-LONGEST:]
    return [composed[-length:] for length in range(1, len(composed) + 1)]


def _last_pieces(
    sentences: Sequence[Sentence], split: EncodedSplit, label_map: LabelMap
) -> dict[tuple[str, str], Counter[int]]:
    """(the last piece of an entity, its type) → how often how many clusters lie behind the end."""
    found: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    last_P = np.flatnonzero(is_last(split.labels_P, len(label_map.types)))
    sentence_of = np.searchsorted(split.sentence_starts, last_P, side="right") - 1
    code_P = (split.labels_P[last_P].astype(int) - OUTSIDE_ID - 1) % max(len(label_map.types), 1)
    columns = (
        sentence_of,
        split.starts_P[last_P],
        split.ends_P[last_P],
        code_P,
        split.excess_P[last_P],
    )
    for n, start, end, code, excess in zip(*(column.tolist() for column in columns), strict=True):
        found[sentences[n].text[start:end], label_map.types[code]][excess] += 1
    return found


def is_last(labels_P: np.ndarray, types: int) -> np.ndarray:
    """A mask of the pieces in which an entity ends: valid IOB2, so I- goes on with what is before
    it."""
    code_P = labels_P.astype(np.int64) - (OUTSIDE_ID + 1)
    next_P = np.append(code_P[1:], -1)
    return (code_P >= 0) & (next_P < types)


def _essential(counts: Mapping[str, Counter[int]]) -> dict[str, int]:
    """The commonest of each ending, where a shorter ending does not say the same already."""
    table: dict[str, int] = {}
    for ending in sorted(counts, key=len):
        commonest = min(counts[ending].items(), key=lambda pair: (-pair[1], pair[0]))[0]
        shorter = next((table[e] for e in reversed(_endings(ending[1:])) if e in table), 0)
        if commonest != shorter:
            table[ending] = commonest
    return table
