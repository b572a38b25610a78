"""Average precision and recall of matched detections, as COCO works them out (`COCOeval.accumulate`, `summarize`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeproof.record.accuracy.figures import AREAS, MAX_DETECTIONS
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.matching import (
    IOUS,
    AreaRange,
    Candidates,
    Flags,
    Floats,
    Places,
    candidates_of,
    match,
)

RECALLS = np.linspace(0.0, 1.0, 101)
"""R levels of recall at which precision is read."""
_SMALL, _MEDIUM, _ENDLESS = 32.0**2, 96.0**2, 1e5**2
RANGES: Sequence[AreaRange] = ((0.0, _ENDLESS), (0.0, _SMALL), (_SMALL, _MEDIUM), (_MEDIUM, _ENDLESS))
"""In the order of `AREAS`."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """NaN where a class has no object that counts."""

    precision: Floats
    """[A, K, T, R]: at each of `AREAS`, class, IoU and recall."""
    recall: Floats
    """[A, M, K, T]: the highest, for each of `MAX_DETECTIONS`."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Detections of one class, best score first, with what they found among objects of all sizes."""

    pictures: Places
    """[n] of each detection."""
    found: Flags
    """[T, n]"""
    counted: Flags
    """[T, n]"""
    objects: Places
    """[g] The picture of each object that counts."""


def metrics_of(truth: LabelledObjects, found: FoundObjects, classes: int) -> Metrics:
    """Of K `classes`."""
    candidates = candidates_of(truth, found)
    of_class = [_best_first(found, candidates, number) for number in range(classes)]
    precision = np.full((len(AREAS), classes, len(IOUS), len(RECALLS)), np.nan)
    recall = np.full((len(AREAS), len(MAX_DETECTIONS), classes, len(IOUS)), np.nan)
    for area, bounds in enumerate(RANGES):
        matches = match(truth, found, candidates, bounds)
        for number, order in enumerate(of_class):
            objects = int(np.count_nonzero(matches.objects & (truth.classes == number)))
            if not objects:
                continue
            precision[area, number] = precision_at_recalls(matches.found[:, order], matches.counted[:, order], objects)
            for place, most in enumerate(MAX_DETECTIONS):
                among = order[candidates.ranks[order] < most]
                recall[area, place, number] = np.count_nonzero(matches.found[:, among], axis=1) / objects
    return Metrics(precision, recall)


def ranked(truth: LabelledObjects, found: FoundObjects, classes: int) -> list[Ranked]:
    """Class by class, for what is worked out from the pictures' parts in it."""
    candidates = candidates_of(truth, found)
    matches = match(truth, found, candidates, RANGES[0])
    orders = [_best_first(found, candidates, number) for number in range(classes)]
    return [
        Ranked(
            found.pictures[candidates.places[order]],
            matches.found[:, order],
            matches.counted[:, order],
            truth.pictures[matches.objects & (truth.classes == number)],
        )
        for number, order in enumerate(orders)
    ]


def precision_at_recalls(found: Flags, counted: Flags, objects: int, recalls: Floats = RECALLS) -> Floats:
    """[T, R] The best precision at each recall or a higher one, of detections [T, n] best first; 0 beyond the last."""
    right = np.cumsum(found, axis=1, dtype=np.float64)
    wrong = np.cumsum(counted & ~found, axis=1, dtype=np.float64)
    recall = right / objects
    precision = right / (right + wrong + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    levels = np.zeros((len(found), len(recalls)))
    for row, (reached_recalls, precisions) in enumerate(zip(recall, best, strict=True)):
        places = np.searchsorted(reached_recalls, recalls, side="left")
        reached = places < len(precisions)
        levels[row, reached] = precisions[places[reached]]
    return levels


def mean_of(values: Floats) -> float | None:
    """Mean over what is known; None where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _best_first(found: FoundObjects, candidates: Candidates, number: int) -> Places:
    """Places in the candidates of a class's detections; ties in the order of the pictures."""
    members = np.flatnonzero(found.classes[candidates.places] == number)
    return members[np.argsort(-found.scores[candidates.places[members]], kind="stable")]
