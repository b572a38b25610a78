"""Suppression in blocks keeps the very rows that box after box keeps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof_agent.detection.partial_sort import partial_argsort, partial_argsort_rows
from edgeproof_agent.detection.suppression import suppress


def one_by_one(boxes: np.ndarray, threshold: np.float32, most: int) -> list[int]:
    """As the operator's source has it, in float32."""
    kept: list[int] = []
    for row, box in enumerate(boxes):
        if len(kept) == most:
            break
        if not any(overlaps(boxes[other], box, threshold) for other in kept):
            kept.append(row)
    return kept


def overlaps(first: np.ndarray, second: np.ndarray, threshold: np.float32) -> bool:
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    if areas[0] <= 0 or areas[1] <= 0:
        return False
    zero = np.float32(0)
    height = max(min(first[2], second[2]) - max(first[0], second[0]), zero)
    width = max(min(first[3], second[3]) - max(first[1], second[1]), zero)
    shared = height * width
    return bool(shared / (areas[0] + areas[1] - shared) > threshold)


def boxes_of(seed: int, count: int, kind: str) -> np.ndarray:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 1, (count, 2))
    sides = random.uniform(-0.05 if kind == "some empty" else 0.01, 0.4, (count, 2))
    if kind == "coinciding":
        corners, sides = np.rint(corners * 4) / 4, np.rint(sides * 8) / 8
    return np.concatenate([corners, corners + sides], 1).astype(np.float32)


@pytest.mark.parametrize("kind", ["any", "coinciding", "some empty"])
@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(1, 150), st.sampled_from([0.0, 0.2, 0.5, 0.6, 1.0]))
@settings(max_examples=40, deadline=None)
def test_blocks_keep_what_one_box_after_the_other_keeps(
    kind: str, seed: int, count: int, most: int, threshold: float
) -> None:
    boxes = boxes_of(seed, count, kind)
    kept = suppress(boxes, np.float32(threshold), most)
    assert kept.dtype == np.intp
    assert kept.tolist() == one_by_one(boxes, np.float32(threshold), most)


def test_a_box_that_is_suppressed_suppresses_none() -> None:
    boxes = np.array([[0, 0, 1, 1.0], [0, 0.3, 1, 1.3], [0, 0.6, 1, 1.6]], np.float32)
    assert suppress(boxes, np.float32(0.5), 10).tolist() == [0, 2]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_rows_are_sorted_as_each_alone(count: int) -> None:
    values = np.rint(np.random.default_rng(3).uniform(0, 4, (50, 9))).astype(np.float32)
    together = partial_argsort_rows(values, count)
    assert together.shape == (50, count)
    for row, order in zip(values, together, strict=True):
        assert order.tolist() == partial_argsort(row, count).tolist()
    assert partial_argsort_rows(values[:0], count).shape == (0, count)
