"""How well a reading explains what was observed: neighbours' boxes agree, and move as the picture does."""

from collections.abc import Sequence

import numpy as np

from edgeproof.convert.witness.observation import NEIGHBOURS, SHIFT, Floats, Observation, Observed, sure_of_something
from edgeproof.ssd.box_reading import Reading

_FOLLOWED = 5
_SMALLEST_AREA = 1e-6


def judgeable(observed: Observed) -> bool:
    """Whether anchors enough are sure of something on the picture, still and moved."""
    return sure_of_something(observed.still) and len(observed.moved.scores) > NEIGHBOURS


def support(reading: Reading, observed: Sequence[Observed]) -> Floats:
    """[pictures] in 0..1: agreement times motion on each."""
    return np.array([agreement(reading, item.still) * motion(reading, item) for item in observed], np.float32)


def agreement(reading: Reading, seen: Observation) -> float:
    """Mean IoU of each box with the three that fit it best. Anchors on one object are to give one box."""
    boxes = reading.decode(seen.predictions, seen.anchors)
    overlaps = overlap(boxes, boxes)
    np.fill_diagonal(overlaps, 0)
    return float(np.sort(overlaps, axis=1)[:, -NEIGHBOURS:].mean())


def motion(reading: Reading, observed: Observed) -> float:
    """Mean IoU of the strongest boxes, moved to the right as the picture was, with the best of the moved picture."""
    still = reading.decode(observed.still.predictions[:_FOLLOWED], observed.still.anchors[:_FOLLOWED])
    moved = reading.decode(observed.moved.predictions, observed.moved.anchors)
    return float(overlap(still + np.array([0, SHIFT, 0, SHIFT], np.float32), moved).max(axis=1).mean())


def overlap(boxes: Floats, others: Floats) -> Floats:
    """IoU [N, M] of boxes [N, 4] and [M, 4]; 0 where one has no area."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas, other_areas = _areas(boxes), _areas(others)
    union = areas[:, None] + other_areas[None] - shared
    sound = (areas[:, None] > _SMALLEST_AREA) & (other_areas[None] > _SMALLEST_AREA)
    return np.where(sound, shared / np.where(sound, union, 1), 0).astype(np.float32)


def _areas(boxes: Floats) -> Floats:
    return np.asarray(np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1), np.float32)
