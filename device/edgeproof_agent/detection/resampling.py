"""Bilinear resize to the bits of TensorFlow's kernel, in stripes that fit the processor's cache, all planned ahead.

OpenCV only moves bytes here. Every float operation is one NumPy operation with one rounding, so that x86 and ARM agree.
"""

import abc
from typing import Optional

import numpy as np

from edgeproof_agent.bundle.manifest import Coordinates
from edgeproof_agent.detection.sampling_axis import SamplingAxis, sampling_axis
from edgeproof_agent.pictures.opencv import cv2

STRIPE_BYTES = 1 << 18
"""float32 pixels of a stripe: what fits the second-level cache of a Pi 3's core and larger ones."""
_CACHE_LINE_BYTES = 64
_GAP = 16
"""Floats between the two sides of a lerp: NumPy 1.26 is four times slower where an operand ends at the result."""
_DENSE_ROWS = 1.9
"""Source rows a target row below which each source row is prepared once, and not both neighbours of each target row."""
_DENSE_COLUMNS = 2.0
"""Source columns a gathered column below which whole rows are turned to four bytes a pixel: NumPy gathers those much
faster than OpenCV gathers triples."""


class Resampling:
    """From one size of picture to another. Owns the memory for what lies between: not for two threads at once."""

    def __init__(
        self,
        source: tuple[int, int],
        target: tuple[int, int],
        coordinates: Coordinates,
        stripe_bytes: int = STRIPE_BYTES,
    ) -> None:
        """Sizes are (height, width) in pixels."""
        rows, columns = (sampling_axis(*sides, coordinates) for sides in zip(source, target))
        memory = _Memory()
        height = _stripe_rows(source, target, bool(columns.weight.any()), stripe_bytes)
        self.stripe_rows = height
        self.stripes = [
            _Stripe(slice(top, min(top + height, target[0])), source[1], rows, columns, memory)
            for top in range(0, target[0], height)
        ]


def _stripe_rows(source: tuple[int, int], target: tuple[int, int], lerps_columns: bool, stripe_bytes: int) -> int:
    """Rows of a stripe, such that all stripes are about alike."""
    sides = 2 if lerps_columns else 1
    source_rows = min(max(source[0] / target[0], 1.0), 2.0)
    row_bytes = target[1] * 3 * 4 * sides * source_rows
    fitting = max(1, min(target[0], int(stripe_bytes / row_bytes)))
    stripes = -(-target[0] // fitting)
    return -(-target[0] // stripes)


class _Memory:
    """Arrays by their names, shared by stripes that are never in use at the same time."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
        size = int(np.prod(shape))
        if name not in self._arrays or self._arrays[name].size < size:
            self._arrays[name] = _aligned(size, dtype)
        return self._arrays[name][:size].reshape(shape)


class _Stripe:
    """Some rows of the target."""

    def __init__(
        self, target: slice, source_width: int, rows: SamplingAxis, columns: SamplingAxis, memory: _Memory
    ) -> None:
        self.target = target
        low, high, weight = (values[target] for values in rows)
        width, count = len(columns.low), target.stop - target.start
        first, last = int(low.min()), int(high.max()) + 1
        lerps_rows, lerps_columns = bool(rows.weight.any()), bool(columns.weight.any())
        sides = 2 if lerps_columns else 1
        dense = last - first < _DENSE_ROWS * count if lerps_rows else last - first == count
        gathered = _gathered_rows(low, high, first, last, dense, lerps_rows)
        parts = 1 if dense or not lerps_rows else 2
        part_floats = len(gathered) // parts * width * 3

        self.pixels = _pixel_source(slice(first, last), source_width, gathered, columns, dense, memory)
        floats = memory.array("floats", (sides, parts, -part_floats % _GAP + part_floats + _GAP))[..., :part_floats]
        self._floats, self._bytes = floats, self.pixels.bytes.reshape(sides, parts, part_floats)
        self._left, self._right = floats[0], floats[-1]
        self._column_weight: Optional[np.ndarray] = None
        if lerps_columns:
            self._column_weight = memory.array("column weight", (part_floats,))
            self._column_weight.reshape(-1, width * 3)[:] = np.repeat(columns.weight, 3)
        self._picks: Optional[np.ndarray] = None
        self._row_weight: Optional[np.ndarray] = None
        result = self._right.reshape(-1, width * 3)
        if lerps_rows:
            self._row_weight = _aligned(count * width * 3).reshape(count, width * 3)
            self._row_weight[:] = weight[:, np.newaxis]
            if dense:
                self._lines, self._picked = result, memory.array("picked", (2 * count + 1, width * 3))
                self._picks = np.concatenate([low, low[:1], high]) - first  # the one between is a gap
                self._top, result = self._picked[:count], self._picked[count + 1 :]
            else:
                self._top, result = (part.reshape(count, width * 3) for part in floats[-1])
        self.result: np.ndarray = result
        """float32 [rows, width * 3], until the next stripe is run."""

    def run(self, picture: np.ndarray, swaps_red_and_blue: bool) -> np.ndarray:
        """Resizes uint8 [H, W, 3] to `result`."""
        self.pixels.gather(picture, swaps_red_and_blue)
        np.copyto(self._floats, self._bytes)
        if self._column_weight is not None:
            _lerp(self._left, self._right, self._column_weight)
        if self._row_weight is not None:
            if self._picks is not None:
                self._lines.take(self._picks, 0, self._picked, "wrap")  # the mode that checks nothing: all are inside
            _lerp(self._top, self.result, self._row_weight)
        return self.result


def _gathered_rows(
    low: np.ndarray, high: np.ndarray, first: int, last: int, dense: bool, lerps_rows: bool
) -> np.ndarray:
    """The source's rows as they are wanted: each once, or first the lower and then the upper of each target row."""
    if dense:
        return np.arange(first, last)
    rows: np.ndarray = np.concatenate([low, high] if lerps_rows else [low])
    return rows


class _PixelSource(abc.ABC):
    """Brings the source's pixels at a stripe's rows and columns together: `bytes`, uint8 [sides * rows, width, 3]."""

    bytes: np.ndarray

    @abc.abstractmethod
    def gather(self, picture: np.ndarray, swaps_red_and_blue: bool) -> None:
        """Fills `bytes` from uint8 [H, W, 3]."""


class _WholeRows(_PixelSource):
    """Rows as they stand, for a picture as wide as the target."""

    def __init__(self, rows: slice, pixels: np.ndarray) -> None:
        self._rows, self.bytes = rows, pixels

    def gather(self, picture: np.ndarray, swaps_red_and_blue: bool) -> None:
        if swaps_red_and_blue:
            cv2.cvtColor(picture[self._rows], cv2.COLOR_BGR2RGB, dst=self.bytes)
        else:
            np.copyto(self.bytes, picture[self._rows])


class _Words(_PixelSource):
    """Columns of whole rows, which are made four bytes a pixel for that and gathered as 32-bit words."""

    def __init__(
        self, rows: slice, source_width: int, sides: list[np.ndarray], pixels: np.ndarray, memory: _Memory
    ) -> None:
        self._rows, self.bytes = rows, pixels
        count, width = rows.stop - rows.start, pixels.shape[1]
        self._quads = memory.array("quads", (count, source_width, 4), np.uint8)
        self._taken = memory.array("taken", (len(sides) * count, width, 4), np.uint8)
        self._words = self._quads.reshape(count, -1).view(np.int32)
        self._takes = list(zip(sides, self._taken.reshape(len(sides), count, -1).view(np.int32)))

    def gather(self, picture: np.ndarray, swaps_red_and_blue: bool) -> None:
        order = cv2.COLOR_BGR2RGBA if swaps_red_and_blue else cv2.COLOR_BGR2BGRA
        cv2.cvtColor(picture[self._rows], order, dst=self._quads)
        for columns, words in self._takes:
            self._words.take(columns, 1, words, "wrap")
        cv2.cvtColor(self._taken, cv2.COLOR_BGRA2BGR, dst=self.bytes)


class _Places(_PixelSource):
    """Single pixels at their places, by OpenCV's remap."""

    def __init__(self, rows: np.ndarray, sides: list[np.ndarray], pixels: np.ndarray) -> None:
        self.bytes = pixels
        x_and_y = np.broadcast_arrays(np.stack(sides)[:, np.newaxis, :], rows[np.newaxis, :, np.newaxis])
        self._places = np.stack(x_and_y, axis=-1).reshape(*pixels.shape[:2], 2).astype(np.int16)

    def gather(self, picture: np.ndarray, swaps_red_and_blue: bool) -> None:
        cv2.remap(picture, self._places, None, cv2.INTER_NEAREST, dst=self.bytes, borderMode=cv2.BORDER_REPLICATE)
        if swaps_red_and_blue:
            cv2.cvtColor(self.bytes, cv2.COLOR_BGR2RGB, dst=self.bytes)


def _pixel_source(
    rows: slice, source_width: int, gathered: np.ndarray, columns: SamplingAxis, dense: bool, memory: _Memory
) -> _PixelSource:
    width = len(columns.low)
    sides = [columns.low, columns.high] if columns.weight.any() else [columns.low]
    pixels = memory.array("bytes", (len(sides) * len(gathered), width, 3), np.uint8)
    if dense and len(sides) == 1 and source_width == width:
        return _WholeRows(rows, pixels)
    if dense and source_width < _DENSE_COLUMNS * width * len(sides):
        return _Words(rows, source_width, sides, pixels, memory)
    return _Places(gathered, sides, pixels)


def _lerp(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> None:
    """`first + (second - first) * weight`, in the memory of `second`."""
    second -= first
    second *= weight
    second += first


def _aligned(size: int, dtype: type = np.float32) -> np.ndarray:
    """Memory that begins on a cache line: vector loops run a fifth faster."""
    size_bytes = size * np.dtype(dtype).itemsize
    raw = np.empty(size_bytes + _CACHE_LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % _CACHE_LINE_BYTES
    return raw[start : start + size_bytes].view(dtype)
