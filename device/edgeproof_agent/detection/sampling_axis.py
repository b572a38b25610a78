"""Where each position along one axis of a resized picture comes from."""

from typing import NamedTuple

import numpy as np

from edgeproof_agent.bundle.manifest import Coordinates


class SamplingAxis(NamedTuple):
    low: np.ndarray
    """intp [target]: index of the source's lower neighbour."""
    high: np.ndarray
    """intp [target]: index of its upper neighbour."""
    weight: np.ndarray
    """float32 [target]: how much of the upper one is taken, 0 to 1."""


def sampling_axis(source: int, target: int, coordinates: Coordinates) -> SamplingAxis:
    """For an axis of `source` pixels that is resized to `target`.

    Source: `compute_interpolation_weights` in tensorflow/core/kernels/image/resize_bilinear_op.cc.
    """
    index = np.arange(target, dtype=np.float32)
    if coordinates is Coordinates.ALIGN_CORNERS and target > 1:
        position = index * (np.float32(source - 1) / np.float32(target - 1))
    elif coordinates is Coordinates.HALF_PIXEL:
        half = np.float32(0.5)
        position = (index + half) * (np.float32(source) / np.float32(target)) - half
    else:
        position = index * (np.float32(source) / np.float32(target))
    floor = np.floor(position)
    low = np.clip(floor, 0, source - 1).astype(np.intp)
    high = np.clip(np.ceil(position), 0, source - 1).astype(np.intp)
    return SamplingAxis(low, high, (position - floor).astype(np.float32))
