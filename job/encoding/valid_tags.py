"""The likeliest valid tags of sentences: Viterbi over the logits of their wordpieces.

The rules are those of IOB2 and nothing is learned for them: I-X follows B-X or I-X alone, and the
special labels never occur. Logits are summed as they are; a softmax would add the same to every
path. Of equally likely paths the one with the lower label ids wins, compared from the last
wordpiece on, so the same logits give the same labels on any machine. Shape legend:

    P wordpieces, C labels without the special ones (O, T begins, T insides), S sentences
"""

import numpy as np

from job.encoding.labels import OUTSIDE_ID

AT_ONCE = 1 << 22  # logits that are decoded together, to bound memory


def valid_labels(logits_PC: np.ndarray, sentence_starts: np.ndarray) -> np.ndarray:
    """Label ids (int16) of every wordpiece. `sentence_starts` has the first piece of each sentence,
    and P."""
    labels_P = logits_PC.argmax(1)
    types = logits_PC.shape[1] // 2
    invalid_S = _invalid(labels_P, sentence_starts, types)
    order = invalid_S[np.argsort(np.diff(sentence_starts)[invalid_S], kind="stable")]
    for group in _groups(order, sentence_starts, logits_PC.shape[1]):
        _decode(logits_PC, sentence_starts, group, labels_P)
    return (labels_P + OUTSIDE_ID).astype(np.int16)


def _invalid(labels_P: np.ndarray, sentence_starts: np.ndarray, types: int) -> np.ndarray:
    """The sentences in which an inside tag follows none of its type."""
    before_P = np.concatenate([[0], labels_P[:-1]])
    filled = sentence_starts[:-1][np.diff(sentence_starts) > 0]
    before_P[filled] = 0
    inside_P = labels_P > types
    follows_P = (before_P == labels_P) | (before_P == labels_P - types)
    wrong = np.flatnonzero(inside_P & ~follows_P)
    return np.unique(np.searchsorted(sentence_starts, wrong, side="right") - 1)


def _groups(order: np.ndarray, sentence_starts: np.ndarray, labels: int) -> list[np.ndarray]:
    """Sentences of like length, so many that they can be decoded together."""
    lengths = np.diff(sentence_starts)[order]
    groups, first = [], 0
    for i in range(1, len(order) + 1):
        if i == len(order) or (i + 1 - first) * lengths[i] * labels > AT_ONCE:
            groups.append(order[first:i])
            first = i
    return groups


def _decode(
    logits_PC: np.ndarray, sentence_starts: np.ndarray, group: np.ndarray, labels_P: np.ndarray
) -> None:
    """Writes the labels of the sentences in `group`, shortest first, into `labels_P`."""
    starts, lengths = sentence_starts[group], np.diff(sentence_starts)[group]
    types = logits_PC.shape[1] // 2
    begins, insides = slice(1, types + 1), slice(types + 1, None)
    best_SC = logits_PC[starts].astype(np.float64)
    best_SC[:, insides] = -np.inf
    back_LSC = np.zeros((lengths[-1], len(group), logits_PC.shape[1]), np.int16)
    final_S = np.zeros(len(group), np.int64)
    for position in range(1, lengths[-1] + 1):
        ended = np.searchsorted(lengths, position, side="right")
        begun = np.searchsorted(lengths, position, side="left")
        final_S[begun:ended] = best_SC[begun:ended].argmax(1)
        if ended == len(group):
            break
        on = slice(ended, None)
        from_S = best_SC[on].argmax(1)
        back_LSC[position, on] = from_S[:, None]
        goes_on_ST = best_SC[on, insides] > best_SC[on, begins]
        back_LSC[position, on, insides] = np.arange(1, types + 1) + types * goes_on_ST
        through_SC = np.take_along_axis(best_SC[on], back_LSC[position, on].astype(np.int64), 1)
        best_SC[on] = through_SC + logits_PC[starts[on] + position]
    rows = np.arange(len(group))
    for position in range(lengths[-1] - 1, -1, -1):
        first = np.searchsorted(lengths, position, side="right")
        labels_P[starts[first:] + position] = final_S[first:]
        if position:
            final_S[first:] = back_LSC[position, rows[first:], final_S[first:]]
