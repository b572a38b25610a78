"""Pixels to the model's input tensor: one code for calibration, the host's reference run and the board."""

import functools
import threading
from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt

from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract
from edgeproof_agent.detection.normalisation import Normalisation, normalisation_of
from edgeproof_agent.detection.resampling import Resampling
from edgeproof_agent.pictures.decoding import MAX_SIDE

Tensor = npt.NDArray[Any]

_KEPT_PLANS = 4
"""Sizes of pictures for which a thread keeps its plan and the memory for it."""


class _Plans(threading.local):
    """Of each thread: a plan owns the memory for what lies between."""

    def __init__(self) -> None:
        self.of: Callable[[int, int, InputContract], tuple[Resampling, Normalisation]]
        self.of = functools.lru_cache(_KEPT_PLANS)(_plan)


def _plan(source_height: int, source_width: int, contract: InputContract) -> tuple[Resampling, Normalisation]:
    source, target = (source_height, source_width), (contract.height, contract.width)
    resampling = Resampling(source, target, contract.coordinates)
    return resampling, normalisation_of(contract, resampling.stripe_rows)


_plans = _Plans()


def prepare(picture: Tensor, contract: InputContract, out: Optional[Tensor] = None) -> Tensor:
    """Prepares one picture: uint8 [H, W, 3] in BGR to [1, height, width, 3] of the contract's dtype.

    `out`, when it is given, is a tensor of that kind, which is written and returned.

    Only gathers and separate float32 additions and multiplications are used, so that x86 and ARM give the same bits.
    Raises ValueError when `picture` is of another shape or type, or has a side over `MAX_SIDE`.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"a picture must be uint8 [height, width, 3], got {picture.dtype} {list(picture.shape)}")
    if max(picture.shape) > MAX_SIDE:
        raise ValueError(f"a picture's side may have at most {MAX_SIDE} pixels, got {list(picture.shape[:2])}")
    if out is None:
        out = np.empty((1, contract.height, contract.width, 3), contract.dtype.value)
    resampling, normalisation = _plans.of(picture.shape[0], picture.shape[1], contract)
    lines = out.reshape(contract.height, contract.width * 3)
    swaps = contract.colour_order is ColourOrder.RGB
    for stripe in resampling.stripes:
        normalisation.apply(stripe.run(picture, swaps), lines[stripe.target])
    return out


def resize_bilinear(picture: Tensor, height: int, width: int, coordinates: Coordinates) -> Tensor:
    """Bilinear resize of uint8 [H, W, 3] to float32 [height, width, 3], as TensorFlow's ResizeBilinear kernel does it.

    Source: `compute_interpolation_weights` and `compute_lerp` in tensorflow/core/kernels/image/resize_bilinear_op.cc.
    Like that kernel it does not filter when it shrinks.
    """
    resized = np.empty((height, width * 3), np.float32)
    for stripe in Resampling(picture.shape[:2], (height, width), coordinates).stripes:
        resized[stripe.target] = stripe.run(picture, swaps_red_and_blue=False)
    return resized.reshape(height, width, 3)
