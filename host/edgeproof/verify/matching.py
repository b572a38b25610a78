"""Which detections of two runs on one picture are the same: class and overlap."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgeproof.record.detections import Detections

SAME_IOU = 0.5
"""From this overlap on two boxes of one class are taken for one object."""


def counterparts(found: Detections, others: Detections) -> Iterator[tuple[int, float] | None]:
    """For each of `found` in their order, its counterpart among `others`: (index, IoU), None without one.

    The counterpart is the one of the same class that overlaps most, of those not taken yet.
    """
    free = np.ones(len(others), bool)
    for box, kind in zip(found.boxes, found.classes, strict=True):
        overlaps = np.where(free & (others.classes == kind), iou(box, others.boxes), -1.0)
        best = int(overlaps.argmax()) if len(others) else -1
        if best < 0 or overlaps[best] < SAME_IOU:
            yield None
            continue
        free[best] = False
        yield best, float(overlaps[best])


def iou(box: npt.NDArray[np.float32], boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Intersection over union of a box [4] with each of `boxes` [N, 4], corners as in `Detections`: [N]."""
    one, many = box.astype(np.float64), boxes.astype(np.float64)
    sides = np.minimum(one[2:], many[:, 2:]) - np.maximum(one[:2], many[:, :2])
    inner = sides.clip(0).prod(axis=1)
    areas = (many[:, 2:] - many[:, :2]).prod(axis=1) + (one[2:] - one[:2]).prod()
    quotients: npt.NDArray[np.float64] = inner / np.maximum(areas - inner, 1e-12)
    return quotients
