"""Label ↔ id, in the tutorial's order.

`[CLS] [SEP] [PAD] [MASK] O`, then B- of every entity type in the order of first appearance in the
training split, then I- in the same order. With the ten types of the tutorial's corpus that is
B-PER 5 … I-PER 15 … up to 24. `label_map.txt` holds one label per line, in id order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from job.errors import DataError
from job.sentence import Sentence

SPECIAL_LABELS = ("[CLS]", "[SEP]", "[PAD]", "[MASK]")
OUTSIDE = "O"
OUTSIDE_ID = len(SPECIAL_LABELS)


@dataclass(frozen=True)
class LabelMap:
    """The entity types in the order of their ids. Equal maps give equal ids."""

    types: tuple[str, ...]

    @classmethod
    def from_sentences(cls, train: Iterable[Sentence]) -> "LabelMap":
        """Types in the order in which they first appear in the training split."""
        seen: dict[str, None] = {}
        for sentence in train:
            for span in sentence.spans:
                seen.setdefault(span.type)
        return cls(tuple(seen))

    @classmethod
    def from_text(cls, text: str, where: str = "label_map.txt") -> "LabelMap":
        """Reads `label_map.txt`. Raises DataError when it is not in the order written above."""
        lines = text.split("\n")
        labels = tuple(lines[:-1] if lines and not lines[-1] else lines)
        prefix = (*SPECIAL_LABELS, OUTSIDE)
        count = (len(labels) - len(prefix)) // 2
        types = tuple(label[2:] for label in labels[len(prefix) : len(prefix) + count])
        label_map = cls(types)
        if labels != label_map.labels:
            raise DataError(
                f"{where}: the labels are not `{' '.join(prefix)}`, B- of every type and then I- "
                f"of every type in the same order; train again, or restore the file."
            )
        return label_map

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every label; the index is the id."""
        return (
            *SPECIAL_LABELS,
            OUTSIDE,
            *(f"B-{type_}" for type_ in self.types),
            *(f"I-{type_}" for type_ in self.types),
        )

    @cached_property
    def begin_ids(self) -> dict[str, int]:
        """Entity type → id of its B- label; the I- label is `len(types)` further on."""
        return {type_: OUTSIDE_ID + 1 + i for i, type_ in enumerate(self.types)}

    def to_text(self) -> str:
        """The content of `label_map.txt`."""
        return "".join(f"{label}\n" for label in self.labels)
