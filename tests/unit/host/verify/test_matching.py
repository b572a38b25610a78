"""Counterparts among detections: same class, most overlap, each only once."""

import numpy as np
import pytest

from edgeproof.record.detections import Detections
from edgeproof.verify.matching import counterparts, iou


def found(*boxes: tuple[float, float, float, float], classes: list[int] | None = None) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes or [0] * len(boxes), np.int32),
        np.full(len(boxes), 0.9, np.float32),
    )


def test_the_counterpart_is_the_one_that_overlaps_most() -> None:
    others = found((0.0, 0.0, 0.5, 0.4), (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0))
    ((index, overlap),) = counterparts(found((0.0, 0.0, 0.5, 0.5)), others)  # type: ignore[misc]
    assert (index, overlap) == (1, 1.0)


def test_a_counterpart_is_taken_once_and_another_class_is_none() -> None:
    twice = found((0.0, 0.0, 0.5, 0.5), (0.0, 0.0, 0.5, 0.5))
    assert [match is None for match in counterparts(twice, found((0.0, 0.0, 0.5, 0.5)))] == [False, True]
    assert list(counterparts(found((0, 0, 1, 1), classes=[1]), found((0, 0, 1, 1), classes=[2]))) == [None]


def test_half_of_overlap_is_needed_and_nothing_matches_nothing() -> None:
    one = found((0.0, 0.0, 1.0, 1.0))
    assert next(counterparts(one, found((0.0, 0.0, 1.0, 0.51)))) is not None
    assert next(counterparts(one, found((0.0, 0.0, 1.0, 0.5)))) == (0, 0.5), "exactly half is enough"
    assert next(counterparts(one, found((0.0, 0.0, 1.0, 0.49)))) is None
    assert next(counterparts(one, found())) is None
    assert list(counterparts(found(), one)) == []


def test_iou_is_intersection_over_union() -> None:
    overlaps = iou(np.array([0, 0, 2, 2], np.float32), np.array([[1, 1, 3, 3], [5, 5, 6, 6], [0, 0, 0, 0]], np.float32))
    assert overlaps.tolist() == pytest.approx([1 / 7, 0, 0])
