"""Tags of a model that was trained elsewhere, by their names: its scores as scores of our labels.

Its labels may be IOB2, IOBES or BILOU, in any spelling that a corpus may have, or IO, types alone
or with I- alone. S and U begin an entity as B does, E and L (and M) go on as I does: where a type
has several of a kind, their probabilities are added. In IO neighbours of one type are one entity.
Shape legend:

    R rows, L positions of a row, C label ids, P wordpieces of a split
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from job.batches import IGNORED_LABEL, Batch
from job.corpus import LineError, Tag, read_tags
from job.encoding import OUTSIDE_ID, SPECIAL_LABELS, LabelMap
from job.errors import ArgumentError

NAMED_TAGS = "named tags"  # as head, of a network in memory
OFTEN = 1000  # any number: each label counts as one that is met often
BEGINS, ALONE = frozenset("BSU"), frozenset("IT")


@dataclass(frozen=True)
class NamedTags:
    """A head: `sources[c]` are the ids in the network whose probabilities make our label `c`."""

    label_map: LabelMap
    sources: tuple[tuple[int, ...], ...]
    joined: tuple[int, ...]  # B- labels of IO, which has no beginnings

    @classmethod
    def of(cls, labels: Sequence[str], where: str = "config.json") -> "NamedTags":
        """Raises ArgumentError for labels that do not say which entities they mark."""
        tags = _tags(labels, where)
        letters: dict[str, dict[str, list[int]]] = {}
        for id_, tag in tags.items():
            if tag.type:
                letters.setdefault(tag.type, {}).setdefault(tag.letter, []).append(id_)
        label_map = LabelMap(tuple(letters))
        sources: list[list[int]] = [[] for _ in label_map.labels]
        sources[OUTSIDE_ID] = [id_ for id_, tag in tags.items() if not tag.type]
        is_io = _is_io(letters, where)
        for type_, found in letters.items():
            begin = label_map.begin_ids[type_]
            for letter, ids in found.items():
                begins = is_io or letter in BEGINS
                sources[begin if begins else begin + len(label_map.types)] += ids
        joined = tuple(label_map.begin_ids.values()) if is_io else ()
        return cls(label_map, tuple(tuple(sorted(ids)) for ids in sources), joined)

    def summed_loss(self, logits_RLC: torch.Tensor, batch: Batch) -> torch.Tensor:
        """As that of the other heads, over our labels; of a type with one label alone, B- and I-
        count as that one."""
        scores_NC, labels_N = (
            self.scores(logits_RLC, batch).flatten(0, 1),
            batch["labels"].flatten(),
        )
        types = len(self.label_map.types)
        for begin in self.label_map.begin_ids.values():
            if not self.sources[begin + types]:
                labels_N = torch.where(labels_N == begin + types, begin, labels_N)
        return cross_entropy(scores_NC, labels_N, ignore_index=IGNORED_LABEL, reduction="sum")

    def scores(self, logits_RLC: torch.Tensor, batch: Batch) -> torch.Tensor:
        """scores_RLC in the order of our labels; one that the network lacks is never predicted."""
        none = torch.full_like(logits_RLC[..., 0], -torch.inf)
        columns = [logits_RLC[..., ids].logsumexp(-1) if ids else none for ids in self.sources]
        return torch.stack(columns, -1)

    def join(self, labels_P: np.ndarray, sentence_starts: np.ndarray) -> None:
        """Makes one entity, in place, of neighbours of one type where the labels are IO."""
        if not self.joined:
            return
        goes_on_P = np.isin(labels_P, self.joined)
        goes_on_P[1:] &= labels_P[1:] == labels_P[:-1]
        starts = sentence_starts[:-1]
        goes_on_P[starts[starts < len(labels_P)]] = False
        labels_P[goes_on_P] += len(self.label_map.types)


def _tags(labels: Sequence[str], where: str) -> dict[int, Tag]:
    """Label id → what it says, without the special labels."""
    known = {id_: name for id_, name in enumerate(labels) if name not in SPECIAL_LABELS}
    meaning = read_tags(dict.fromkeys(known.values(), OFTEN))
    tags, unread = {}, []
    for id_, name in known.items():
        tag = meaning[name]
        if isinstance(tag, LineError) or (tag.letter and not tag.type):
            unread.append(name)
        else:
            tags[id_] = tag
    if unread or len({bool(tag.type) for tag in tags.values()}) < 2:
        names = unread or list(known.values())
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise ArgumentError(
            f"{where}: the labels {shown} do not say what is an entity and of which type; write "
            "their names into id2label (O, B-PER, I-PER …), in the order of the training."
        )
    return tags


def _is_io(letters: Mapping[str, Collection[str]], where: str) -> bool:
    """Whether no type has a label that begins an entity. Raises ArgumentError where some have none:
    in IOB1 an I- may begin one, and its scores do not say so."""
    without = [type_ for type_, found in letters.items() if not BEGINS & set(found)]
    if len(without) == len(letters) and all(set(found) <= ALONE for found in letters.values()):
        return True
    for type_ in without:
        shown = " and ".join(f"{letter}-{type_}" for letter in sorted(letters[type_]))
        raise ArgumentError(
            f"{where}: the type {type_} has {shown} but no B-{type_} with which it begins; choose "
            "a model whose labels are IO, IOB2, IOBES or BILOU."
        )
    return False
