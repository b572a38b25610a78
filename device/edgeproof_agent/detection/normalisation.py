"""Normalisation and quantization of pixels as one multiplication and one addition."""

from dataclasses import dataclass
from typing import Optional

import numpy as np

from edgeproof_agent.bundle.manifest import InputContract, InputType


@dataclass(frozen=True)
class Normalisation:
    """`pixel * factor + offset`, in float32; None where that changes nothing."""

    factor: Optional[np.ndarray]
    """float32, [] for all channels or [rows, width * 3]: a full array is several times faster than a row that NumPy
    has to repeat."""
    offset: Optional[np.ndarray]
    bounds: Optional[tuple[np.float32, np.float32]]
    """Of an integer input, when a pixel can lead beyond them."""
    integer: bool
    """Whether the result is rounded to an integer type."""

    def apply(self, values: np.ndarray, target: np.ndarray) -> None:
        """`values`, float32 [R, width * 3] with R up to the rows of this object, are overwritten on the way."""
        rows = len(values)
        if self.factor is not None:
            values *= _first(self.factor, rows)
        if not self.integer:
            np.add(values, np.float32(0) if self.offset is None else _first(self.offset, rows), out=target)
            return
        if self.offset is not None:
            values += _first(self.offset, rows)
        np.rint(values, out=values)
        if self.bounds is not None:
            np.clip(values, *self.bounds, out=values)
        np.copyto(target, values, casting="unsafe")


def normalisation_of(contract: InputContract, rows: int) -> Normalisation:
    """For up to `rows` rows of a picture at a time."""
    std = np.asarray(contract.std, np.float64)
    factor, offset = 1.0 / std, -np.asarray(contract.mean, np.float64) / std
    if contract.quantization is not None:
        factor = factor / contract.quantization.scale
        offset = offset / contract.quantization.scale + contract.quantization.zero_point
    factors, offsets = factor.astype(np.float32), offset.astype(np.float32)
    integer = contract.dtype is not InputType.FLOAT32
    return Normalisation(
        factor=_spread(factors, 1.0, rows, contract.width),
        offset=_spread(offsets, 0.0, rows, contract.width),
        bounds=_bounds(factors, offsets, contract.dtype) if integer else None,
        integer=integer,
    )


def _bounds(factors: np.ndarray, offsets: np.ndarray, dtype: InputType) -> Optional[tuple[np.float32, np.float32]]:
    """Those of the dtype, unless the darkest and the brightest pixel stay within: every step between is monotonic."""
    bounds = np.iinfo(dtype.value)
    ends = np.rint(np.stack([np.float32(value) * factors + offsets for value in (0, 255)]))
    if ends.min() >= bounds.min and ends.max() <= bounds.max:
        return None
    return np.float32(bounds.min), np.float32(bounds.max)


def _spread(channels: np.ndarray, neutral: float, rows: int, width: int) -> Optional[np.ndarray]:
    if (channels == neutral).all():
        return None
    if (channels == channels[0]).all():
        return np.asarray(channels[0])
    return np.tile(channels, (rows, width))


def _first(values: np.ndarray, rows: int) -> np.ndarray:
    return values[:rows] if values.ndim else values
