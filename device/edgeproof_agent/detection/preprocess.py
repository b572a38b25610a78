"""Pixels to the model's input tensor: one code for calibration, the host's reference run and the board."""

import functools
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract, InputType
from edgeproof_agent.pictures.decoding import MAX_SIDE
from edgeproof_agent.pictures.opencv import cv2

Tensor = npt.NDArray[Any]


class _Workspace(threading.local):
    """Memory for what lies between, kept for each thread: to get it anew costs more than the arithmetic."""

    shape: tuple[int, int] = (0, 0)
    corner: Tensor
    first: Tensor
    top: Tensor

    def fit(self, height: int, width: int) -> None:
        if self.shape != (height, width):
            self.corner = np.empty((height, width, 3), np.uint8)
            self.first, self.top = (np.empty((height, width * 3), np.float32) for _ in range(2))
            self.shape = (height, width)


_workspace = _Workspace()


def prepare(picture: Tensor, contract: InputContract) -> Tensor:
    """Prepares one picture: uint8 [H, W, 3] in BGR to [1, height, width, 3] of the contract's dtype.

    Only gathers and separate float32 additions and multiplications are used, so that x86 and ARM give the same bits.
    Raises ValueError when `picture` is of another shape or type, or has a side over `MAX_SIDE`.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"a picture must be uint8 [height, width, 3], got {picture.dtype} {list(picture.shape)}")
    if max(picture.shape) > MAX_SIDE:
        raise ValueError(f"a picture's side may have at most {MAX_SIDE} pixels, got {list(picture.shape[:2])}")
    pixels = resize_bilinear(picture, contract.height, contract.width, contract.coordinates)
    if contract.colour_order is ColourOrder.RGB:
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
    factor, offset, low, high = _affine(contract)
    tensor: Tensor = pixels.reshape(contract.height, contract.width * 3)
    tensor *= factor
    tensor += offset
    tensor = tensor.reshape(1, contract.height, contract.width, 3)
    if contract.dtype is InputType.FLOAT32:
        return tensor
    np.rint(tensor, out=tensor)
    np.clip(tensor, low, high, out=tensor)
    return tensor.astype(contract.dtype.value)


def resize_bilinear(picture: Tensor, height: int, width: int, coordinates: Coordinates) -> Tensor:
    """Bilinear resize of uint8 [H, W, 3] to float32 [height, width, 3], as TensorFlow's ResizeBilinear kernel does it.

    Source: `compute_interpolation_weights` and `compute_lerp` in tensorflow/core/kernels/image/resize_bilinear_op.cc.
    Like that kernel it does not filter when it shrinks.
    """
    if picture.shape[:2] == (height, width):
        return picture.astype(np.float32)
    gather, x_lerp, y_lerp = _plan(picture.shape[0], picture.shape[1], height, width, coordinates)
    _workspace.fit(height, width)
    corner, first, top = _workspace.corner, _workspace.first, _workspace.top
    bottom = np.empty((height, width * 3), np.float32)
    for row, (left, right) in ((top, gather[:2]), (bottom, gather[2:])):
        for source, target in ((left, first), (right, row)):
            cv2.remap(picture, source, None, cv2.INTER_NEAREST, dst=corner, borderMode=cv2.BORDER_REPLICATE)
            np.copyto(target, corner.reshape(height, width * 3))
        _lerp(first, row, x_lerp)
    return _lerp(top, bottom, y_lerp).reshape(height, width, 3)


def _lerp(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """`first + (second - first) * weight`, in the memory of `second`."""
    second -= first
    second *= weight
    second += first
    return second


@functools.lru_cache(maxsize=16)
def _plan(
    source_height: int, source_width: int, height: int, width: int, coordinates: Coordinates
) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Where each target pixel comes from: its four source pixels, and the weights of the right and of the lower ones.

    Four times int16 [h, w, 2] as (x, y); float32 [1, w * 3]; float32 [h, 1].
    """
    y_low, y_high, y_lerp = _axis(source_height, height, coordinates)
    x_low, x_high, x_lerp = _axis(source_width, width, coordinates)
    gather = tuple(
        np.ascontiguousarray(
            np.stack(np.broadcast_arrays(x[np.newaxis, :], y[:, np.newaxis]), axis=-1).astype(np.int16)
        )
        for y in (y_low, y_high)
        for x in (x_low, x_high)
    )
    return gather, np.repeat(x_lerp, 3)[np.newaxis, :], y_lerp[:, np.newaxis]


def _axis(source: int, target: int, coordinates: Coordinates) -> tuple[Tensor, Tensor, Tensor]:
    """Lower and upper source index and the weight of the upper one, for each of `target` positions along an axis."""
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
    return low, high, (position - floor).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _affine(contract: InputContract) -> tuple[Tensor, Tensor, int, int]:
    """Normalisation and quantization as `pixel * factor + offset`, [width * 3] each, with the bounds of the dtype."""
    std = np.asarray(contract.std, np.float64)
    factor, offset = 1.0 / std, -np.asarray(contract.mean, np.float64) / std
    low = high = 0
    if contract.quantization is not None:
        factor = factor / contract.quantization.scale
        offset = offset / contract.quantization.scale + contract.quantization.zero_point
        bounds = np.iinfo(contract.dtype.value)
        low, high = int(bounds.min), int(bounds.max)
    row = (np.tile(values.astype(np.float32), contract.width) for values in (factor, offset))
    return next(row), next(row), low, high
