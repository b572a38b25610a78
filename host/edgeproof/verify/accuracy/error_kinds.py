"""Kinds of error: what mending each alone would add to mAP at IoU .50.

The definition is TIDE's (Bolya, Foley, Hays, Hoffman 2020, https://arxiv.org/abs/2008.08115, with its program tidecv
1.0.1): the six main kinds, and all false positives and all false negatives as special ones. One thing differs:
detections of one score stay in the order of the pictures, where tidecv puts those first that are wrong.
"""

import enum
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from edgeproof.record.accuracy.figures import ErrorKinds
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.average_precision import precision_at_recalls
from edgeproof.verify.accuracy.matching import Flags, Floats, Places, overlaps

_FOUND, _BACKGROUND = 0.5, 0.1
"""IoU from which an object is found, and up to which nothing is there."""
_RECALLS = np.arange(101) / 100
"""Those of COCO are other numbers in the last bit, and a recall of 57 of 100 is at one of them and not at the other."""
_MOST = 100
"""Detections of a picture, of all classes together."""


class _Kind(enum.IntEnum):
    IGNORED = -2
    """On a crowd."""
    RIGHT = -1
    CLASSIFICATION = 0
    LOCALIZATION = 1
    BOTH = 2
    DUPLICATE = 3
    BACKGROUND = 4
    MISSED = 5


@dataclass(eq=False)
class _Judged:
    """The detections of some pictures, and their objects."""

    classes: Places
    scores: Floats
    kinds: Places
    """[N] of `_Kind`."""
    mended: Places
    """[N] The class that a detection would be right in once its error is mended; -1 where it would be gone."""
    missed: Places
    """[M] Classes of the objects that no mended detection would find."""
    not_found: Places
    """Classes of the objects that no detection finds."""


def error_kinds(truth: LabelledObjects, found: FoundObjects, classes: int, pictures: int) -> ErrorKinds:
    judged = _joined(_judged(truth, found, pictures))
    objects = np.bincount(truth.classes[~truth.crowd], minlength=classes)
    counted = judged.kinds != _Kind.IGNORED
    right = judged.kinds == _Kind.RIGHT
    own = judged.classes
    as_it_is = _map(own[counted], judged.scores[counted], right[counted], objects)

    def gained(kind: _Kind) -> float:
        is_kind = judged.kinds == kind
        mended = is_kind & (judged.mended >= 0)
        kept = counted & (~is_kind | mended)
        there = objects - np.bincount(judged.missed, minlength=classes) if kind is _Kind.MISSED else objects
        now = np.where(mended, judged.mended, own)
        return max(_map(now[kept], judged.scores[kept], (right | mended)[kept], there) - as_it_is, 0.0)

    perfect = np.where(right, 1.0, 0.0)
    remaining = objects - np.bincount(judged.not_found, minlength=classes)
    return ErrorKinds(
        classification=gained(_Kind.CLASSIFICATION),
        localization=gained(_Kind.LOCALIZATION),
        both=gained(_Kind.BOTH),
        duplicate=gained(_Kind.DUPLICATE),
        background=gained(_Kind.BACKGROUND),
        missed=gained(_Kind.MISSED),
        false_positive=_map(own[counted], perfect[counted], right[counted], objects) - as_it_is,
        false_negative=_map(own[counted], judged.scores[counted], right[counted], remaining) - as_it_is,
    )


def _map(classes: Places, scores: Floats, right: Flags, objects: Places) -> float:
    """Mean over the classes that have a detection or an object; one without objects counts as 0."""
    values = []
    for number, count in enumerate(objects):
        members = np.flatnonzero(classes == number)
        if not len(members) and not count:
            continue
        if not count or not len(members):
            values.append(0.0)
            continue
        order = members[np.argsort(-scores[members], kind="stable")]
        counted = np.ones((1, len(order)), bool)
        values.append(float(precision_at_recalls(right[np.newaxis, order], counted, int(count), _RECALLS).mean()))
    return float(np.mean(values)) if values else 0.0


def _judged(truth: LabelledObjects, found: FoundObjects, pictures: int) -> list[_Judged]:
    """Picture by picture."""
    edges = np.arange(pictures + 1)
    of_truth, of_found = (np.searchsorted(side.pictures, edges) for side in (truth, found))
    parts = []
    for picture in range(pictures):
        objects = slice(int(of_truth[picture]), int(of_truth[picture + 1]))
        detections = np.arange(of_found[picture], of_found[picture + 1])
        detections = detections[np.argsort(-found.scores[detections], kind="stable")][:_MOST]
        if len(detections) or objects.start < objects.stop:
            parts.append(_of_picture(truth, objects, found, detections))
    return parts


def _of_picture(truth: LabelledObjects, objects: slice, found: FoundObjects, detections: Places) -> _Judged:
    crowd = truth.crowd[objects]
    own_classes, own_boxes = truth.classes[objects][~crowd], truth.boxes[objects][~crowd]
    classes, scores, boxes = found.classes[detections], found.scores[detections], found.boxes[detections]
    ious = _ious(boxes, own_boxes, crowd=False)
    same = classes[:, np.newaxis] == own_classes[np.newaxis]
    finder = _finders(ious * same)
    kinds = np.full(len(detections), int(_Kind.BACKGROUND))
    kinds[finder[finder >= 0]] = _Kind.RIGHT
    on_crowds = _ious(boxes, truth.boxes[objects][crowd], crowd=True) > _FOUND
    ignored = (on_crowds & (classes[:, np.newaxis] == truth.classes[objects][crowd])).any(axis=1)
    kinds[(kinds != _Kind.RIGHT) & ignored] = _Kind.IGNORED
    mended = np.full(len(detections), -1)
    usable = np.zeros(len(own_classes), bool)
    if len(own_classes):
        _name_errors(kinds, mended, usable, ious, same, finder, own_classes, scores)
    free = finder < 0
    return _Judged(classes, scores, kinds, mended, own_classes[free & ~usable], own_classes[free])


def _finders(ious: Floats) -> Places:
    """[G] Which detection finds each object, -1 for none: of [N, G] overlaps within a class, best score first."""
    finder = np.full(ious.shape[1], -1)
    if not ious.size:
        return finder
    left = ious.copy()
    for number in np.flatnonzero(ious.max(axis=1) >= _FOUND):
        best = int(left[number].argmax())
        if left[number, best] >= _FOUND:
            finder[best] = number
            left[:, best] = 0.0
    return finder


def _name_errors(
    kinds: Places,
    mended: Places,
    usable: Flags,
    ious: Floats,
    same: Flags,
    finder: Places,
    own_classes: Places,
    scores: Floats,
) -> None:
    """Sets the kind of each wrong detection, what mending makes of it, and which objects would be found by that."""
    wrong = kinds == _Kind.BACKGROUND
    rows = np.arange(len(kinds))
    of_class, of_others = ious * same, ious * ~same
    near, other = of_class.argmax(axis=1), of_others.argmax(axis=1)
    at_near, at_other = of_class[rows, near], of_others[rows, other]
    misplaced = (at_near >= _BACKGROUND) & (at_near <= _FOUND)
    misnamed = ~misplaced & (at_other >= _FOUND)
    twice = ~misplaced & ~misnamed & ((of_class * (finder >= 0)).max(axis=1) >= _FOUND)
    nothing = ~misplaced & ~misnamed & ~twice & (ious.max(axis=1) <= _BACKGROUND)
    kinds[wrong] = np.select(
        [misplaced, misnamed, twice, nothing],
        [_Kind.LOCALIZATION, _Kind.CLASSIFICATION, _Kind.DUPLICATE, _Kind.BACKGROUND],
        _Kind.BOTH,
    )[wrong]
    best: dict[int, float] = {}
    mender: dict[int, int] = {}
    for number in np.flatnonzero(wrong & (misplaced | misnamed)).tolist():
        target = int(near[number] if misplaced[number] else other[number])
        if finder[target] < 0 and scores[number] > best.get(target, -1.0):
            best[target], mender[target] = float(scores[number]), number
    for target, number in mender.items():
        mended[number] = own_classes[target]
        usable[target] = True


def _ious(boxes: Floats, others: Floats, crowd: bool) -> Floats:
    """[N, G]"""
    count, other_count = len(boxes), len(others)
    one, other = np.repeat(boxes, other_count, axis=0), np.tile(others, (count, 1))
    return overlaps(one, other, np.full(len(one), crowd)).reshape(count, other_count)


def _joined(parts: list[_Judged]) -> _Judged:
    def column(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return np.concatenate(values) if values else np.zeros(0, np.int64)

    return _Judged(*(column(field.name) for field in fields(_Judged)))
