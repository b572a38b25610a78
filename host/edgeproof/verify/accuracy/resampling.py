"""mAP of pictures drawn anew: how far it would be off on other pictures of the same kind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.verify.accuracy.average_precision import RECALLS, Ranked
from edgeproof.verify.accuracy.matching import IOUS, Flags, Floats, Places

RESAMPLES = 300
"""They tell the width of an interval to 4 % (1 / sqrt(2 B)), in seconds for thousands of pictures."""
_SEED = 20_080_811
_CELLS_AT_ONCE = 4_000_000
Counts = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Resampled:
    """[B, K, T] average precision of B draws, of each class and IoU. NaN where a draw has no object of the class."""

    precision: Floats

    def map(self, iou: int | None = None) -> Floats:
        """[B] mean over the classes, and over all IoUs or at one place of `IOUS`."""
        return mean_over_classes(self.precision if iou is None else self.precision[:, :, [iou]])

    def of_class(self, number: int) -> Floats:
        """[B]"""
        return np.asarray(self.precision[:, number].mean(axis=1), np.float64)


def draws(pictures: int, count: int = RESAMPLES) -> Counts:
    """[B, P] How often each picture is drawn; the same for the same numbers, so that two sides are drawn alike.

    `RandomState`, since its stream stays as it is in all versions of numpy: who works a report out anew draws these.
    """
    random = np.random.RandomState(_SEED)
    times = np.zeros((count, pictures), np.int32)
    for row in times:
        row += np.bincount(random.randint(0, pictures, pictures), minlength=pictures).astype(np.int32)
    return times


def resampled(classes: Sequence[Ranked], times: Counts) -> Resampled:
    """Of each class, at each draw."""
    return Resampled(np.stack([_of_class(one, times) for one in classes], axis=1))


def mean_over_classes(precision: Floats) -> Floats:
    """[B] of [B, K, T]: over what is known; NaN for a draw without any object."""
    known = ~np.isnan(precision)
    sums = np.where(known, precision, 0.0).sum(axis=(1, 2))
    counts = known.sum(axis=(1, 2))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _of_class(ranked: Ranked, times: Counts) -> Floats:
    """[B, T]"""
    objects = times[:, ranked.objects].sum(axis=1)
    # Behind the last detection that finds anything, no precision is read any more.
    hits = np.flatnonzero(ranked.found.any(axis=0))
    length = int(hits[-1]) + 1 if len(hits) else 0
    result = np.zeros((len(times), len(IOUS)))
    step = max(_CELLS_AT_ONCE // max(length, 1), 1)
    for begin in range(0, len(times), step):
        some = slice(begin, begin + step)
        result[some] = _at_each_iou(ranked, times[some], objects[some], length)
    result[objects == 0] = np.nan
    return result


def _at_each_iou(ranked: Ranked, times: Counts, objects: Places, length: int) -> Floats:
    drawn = times[:, ranked.pictures[:length]]
    ranks = np.cumsum(drawn, axis=1, dtype=np.int32)
    return np.stack(
        [
            _average_precision(drawn, ranks, found[:length], counted[:length], objects)
            for found, counted in zip(ranked.found, ranked.counted, strict=True)
        ],
        axis=1,
    )


def _average_precision(drawn: Counts, ranks: Counts, found: Flags, counted: Flags, objects: Places) -> Floats:
    """[B] The mean of the best precision at `RECALLS`, by the detections that find something alone: between two of
    them precision falls."""
    hits, left_out = np.flatnonzero(found), np.flatnonzero(~counted)
    if not len(hits):
        return np.zeros(len(drawn))
    right = np.cumsum(drawn[:, hits], axis=1, dtype=np.int32)
    all_counted = ranks[:, hits]
    if len(left_out):
        before = np.searchsorted(left_out, hits)
        padded = np.concatenate([np.zeros((len(drawn), 1), np.int32), np.cumsum(drawn[:, left_out], axis=1)], axis=1)
        all_counted = all_counted - padded[:, before]
    precision = right / np.maximum(all_counted, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    levels = np.diff(_levels_reached(right / np.maximum(objects, 1)[:, np.newaxis]), axis=1, prepend=0)
    return np.asarray((best * levels).sum(axis=1) / len(RECALLS), np.float64)


def _levels_reached(recall: Floats) -> Places:
    """How many of `RECALLS` each reaches; each level is read at the first that does.

    What `searchsorted` says, in a fifth of its time: a guess, and its neighbours.
    """
    guess = (recall * (len(RECALLS) - 1)).astype(np.int32)
    too_many = RECALLS[guess] > recall
    one_more = (RECALLS[np.minimum(guess + 1, len(RECALLS) - 1)] <= recall) & (guess < len(RECALLS) - 1)
    return np.asarray(guess + 1 - too_many + one_more, np.int64)
