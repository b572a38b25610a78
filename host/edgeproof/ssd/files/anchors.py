"""Anchors from a file: a `.npy` array, or a JSON description with their format and the scales of the box coder."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import UsageError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.ssd.anchors.described import GENERATOR, generate_anchors
from edgeproof.ssd.conventions import CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat
from edgeproof.wording.counting import counted

_MAX_BYTES = 64 << 20
_MAX_SCALE = 1e6
_SHAPES = "Give an array of [anchors, 4]"


@dataclass(frozen=True)
class Anchors:
    centres: npt.NDArray[np.float32]
    """[A, 4] as centre y, centre x, height, width, in 0..1 of the picture."""
    format: AnchorFormat
    """What they were given as."""
    box_scales: tuple[float, float, float, float] | None = None
    """Divisors of ty, tx, th, tw, when the description states them."""
    values: npt.NDArray[np.float32] | None = None
    """[A, 4] in 0..1 in the order and the format that they were given in."""
    order: CoordinateOrder = CoordinateOrder.YX
    """Which coordinate comes first in `values`."""


def read_anchors(
    path: Path,
    stated: AnchorFormat | None = None,
    order: CoordinateOrder | None = None,
    pixels_of: tuple[int, int] | None = None,
    size: tuple[int, int] | None = None,
) -> Anchors:
    """Reads `--anchors`. A stated format goes before the description's; without either the values tell.

    A JSON description is `{"format": "centre" | "corners", "file": "anchors.npy" or "boxes": [[...], ...],
    "box_scales": [10, 10, 5, 5]}`; only `file` or `boxes` must be there. Or it names a generator and its options
    (ssd/anchors/described.py), which make anchors for pictures of `size`, height and width. Raises UsageError.
    """
    with readable(path, UsageError, f"{_SHAPES} with --anchors."):
        data = read_bounded(path, _MAX_BYTES)
    if data.startswith(b"\x93NUMPY"):
        return convert_anchors(_load_npy(path), str(path), stated, None, order, pixels_of)
    try:
        described = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path}: it is neither a NumPy array (.npy) nor JSON ({error}). {_SHAPES}, or a JSON anchor description."
        ) from error
    if isinstance(described, list):
        described = {"boxes": described}
    if isinstance(described, dict) and GENERATOR in described and size is not None:
        scales = _box_scales(described, path)
        options = {name: value for name, value in described.items() if name != "box_scales"}
        return Anchors(generate_anchors(options, str(path), *size), AnchorFormat.CENTRE, scales)
    if not isinstance(described, dict) or ("file" in described) == ("boxes" in described):
        raise UsageError(f'{path}: the anchor description needs either "boxes" or "file", or a "generator".')
    unknown = sorted(set(described) - {"format", "file", "boxes", "box_scales"})
    if unknown:
        raise UsageError(f"{path}: the anchor description has an unknown entry {unknown[0]!r}.")
    values = _load_npy(_beside(described["file"], path)) if "file" in described else _array(described, path)
    form = stated or _format(described, path)
    return convert_anchors(values, str(path), form, _box_scales(described, path), order, pixels_of)


def convert_anchors(
    values: npt.NDArray[Any],
    source: str,
    stated: AnchorFormat | None = None,
    box_scales: tuple[float, float, float, float] | None = None,
    order: CoordinateOrder | None = None,
    pixels_of: tuple[int, int] | None = None,
) -> Anchors:
    """Anchors [A, 4] or [1, A, 4] as centres and sizes. Raises UsageError naming `source` when they are none.

    `order` tells which coordinate comes first (y when None); `pixels_of` is the height and width of the picture when
    they are in its pixels.
    """
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.dtype.kind not in "fiu":
        raise UsageError(f"{source}: the anchors are of type {values.dtype}, not numbers. Save them as float32.")
    if values.ndim != 2 or values.shape[1] != 4 or not values.shape[0]:
        raise UsageError(f"{source}: the anchors are {values.dtype} {list(values.shape)}. {_SHAPES}.")
    given: npt.NDArray[np.float32] = values.astype(np.float32)
    if pixels_of is not None:
        high, wide = pixels_of[::-1] if order is CoordinateOrder.XY else pixels_of
        given = (given / np.array([high, wide, high, wide])).astype(np.float32)
    values = given
    if order is CoordinateOrder.XY:
        values = values[:, [1, 0, 3, 2]]
    _require_none(~np.isfinite(values), values, source, "these are not finite numbers. Write them again.")
    if np.abs(values).max() > 10:
        raise UsageError(
            f"{source}: the anchors reach {np.abs(values).max():g}; give them in 0..1 of the picture, "
            "or say --anchor-units pixels."
        )
    # In a grid of centres and sizes some anchor lies farther down than it is high, so it cannot pass as corners.
    looks_like_corners = bool((values[:, 2] > values[:, 0]).all() and (values[:, 3] > values[:, 1]).all())
    if stated is AnchorFormat.CORNERS and not looks_like_corners:
        raise UsageError(
            f"{source}: these are not corners (ymin, xmin, ymax, xmax): some end before they begin. "
            "Say --anchor-format centre if they are centre y, centre x, height, width."
        )
    # A second corner that never moves is a size: MediaPipe's fixed_anchor_size gives every anchor 1, 1.
    fixed = len(values) > 1 and bool((values[:, 2:] == values[0, 2:]).all())
    form = stated or (AnchorFormat.CORNERS if looks_like_corners and not fixed else AnchorFormat.CENTRE)
    if form is AnchorFormat.CENTRE:
        words = (
            "height and width, the last two, must be above 0. Give centre y, centre x, height, width; "
            "or say --anchor-format corners if they are ymin, xmin, ymax, xmax."
        )
        _require_none(values[:, 2:] <= 0, values, source, words)
        return Anchors(values, form, box_scales, given, order or CoordinateOrder.YX)
    ymin, xmin, ymax, xmax = values.T
    centres = [(ymin + ymax) / 2, (xmin + xmax) / 2, ymax - ymin, xmax - xmin]
    stacked = np.stack(centres, axis=1).astype(np.float32)
    return Anchors(stacked, form, box_scales, given, order or CoordinateOrder.YX)


def require_count(anchors: Anchors, path: Path, box_encodings_shape: Sequence[int]) -> None:
    """Raises UsageError when those of the file `path` are not as many as the box encodings [1, A, 4]."""
    rows = box_encodings_shape[1] if len(box_encodings_shape) == 3 else len(anchors.centres)
    if len(anchors.centres) != rows:
        raise UsageError(
            f"{path}: it has {counted(len(anchors.centres), 'anchor')}, and the model has heads for {rows}. "
            "Give the anchors that the model was trained with."
        )


def _require_none(wrong: npt.NDArray[Any], values: npt.NDArray[np.float32], source: str, words: str) -> None:
    rows = np.flatnonzero(wrong.any(axis=1))
    if rows.size:
        first = int(rows[0])
        shown = ", ".join(f"{value:g}" for value in values[first])
        number = counted(rows.size, "anchor")
        raise UsageError(f"{source}: {number} cannot be used, the first at index {first} ([{shown}]): {words}")


def _load_npy(path: Path) -> npt.NDArray[Any]:
    """The header of a .npy is Python literals: a broken one is a syntax error, or sizes that fill the memory."""
    with readable(path, UsageError, f"{_SHAPES} with --anchors."):
        data = read_bounded(path, _MAX_BYTES)
        version = np.lib.format.read_magic(io.BytesIO(data))
        shape, _, dtype = _header(version, data)
        if int(np.prod(shape, dtype=object)) * max(dtype.itemsize, 1) > len(data):
            raise UnreadableError("it is cut short")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))


def _header(version: tuple[int, int], data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    stream = io.BytesIO(data)
    stream.seek(8)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _array(described: dict[str, Any], path: Path) -> npt.NDArray[Any]:
    try:
        return np.asarray(described["boxes"], np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise UsageError(f'{path}: "boxes" must be a list of four numbers an anchor.') from None


def _beside(name: object, path: Path) -> Path:
    if not isinstance(name, str) or not name or "\0" in name:
        raise UsageError(f'{path}: "file" must be the name of a .npy file.')
    return path.parent / name


def _format(described: dict[str, Any], path: Path) -> AnchorFormat | None:
    if "format" not in described:
        return None
    try:
        return AnchorFormat(described["format"])
    except ValueError:
        raise UsageError(f'{path}: "format" is {described["format"]!r}; it must be "centre" or "corners".') from None


def _box_scales(described: dict[str, Any], path: Path) -> tuple[float, float, float, float] | None:
    scales = described.get("box_scales")
    if scales is None:
        return None
    numbers = isinstance(scales, list) and all(
        isinstance(scale, int | float) and 0 < scale <= _MAX_SCALE for scale in scales
    )
    if not numbers or len(scales) != 4:
        raise UsageError(
            f'{path}: "box_scales" must be four numbers above 0, at most {_MAX_SCALE:g}, for y, x, height, width.'
        )
    return float(scales[0]), float(scales[1]), float(scales[2]), float(scales[3])
