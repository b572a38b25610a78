"""Anchors by a description: the name of a generator and its options, under the names that its library gives them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.anchors.mediapipe import MediapipeAnchors
from edgeproof.ssd.anchors.object_detection_api import GridSize, MultiscaleAnchorGenerator, SsdAnchorGenerator
from edgeproof.ssd.anchors.pyramid import EfficientdetAnchors, KerasRetinanetAnchors
from edgeproof.ssd.anchors.torchvision import DefaultBoxes, PyramidAnchors

Boxes = npt.NDArray[np.float32]

GENERATOR = "generator"
_MOST_VALUES = 256
_LARGEST = 1e6
_DEEPEST_LEVEL = 20


class _Fields:
    """The options of one description, with the certainty that none of them is passed over."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def number(self, name: str, default: float) -> float:
        value = self._values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
            raise UsageError(f'"{name}" is {value!r}; it must be a number from 0 to {_LARGEST:g}.')
        return float(value)

    def whole(self, name: str, default: int, least: int = 0, most: int = int(_LARGEST)) -> int:
        value = self.number(name, default)
        if value != int(value) or not least <= value <= most:
            raise UsageError(f'"{name}" is {value:g}; it must be a whole number from {least} to {most}.')
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self._values.pop(name, default)
        if not isinstance(value, bool):
            raise UsageError(f'"{name}" is {value!r}; it must be true or false.')
        return value

    def numbers(self, name: str, default: tuple[float, ...] = ()) -> tuple[float, ...]:
        return self._numbers(self._values.pop(name, list(default)), name)

    def wholes(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        values = self.numbers(name, default)
        if any(value != int(value) for value in values):
            raise UsageError(f'"{name}" must be a list of whole numbers above 0.')
        return tuple(int(value) for value in values)

    def lists(self, name: str, default: tuple[tuple[float, ...], ...] = ()) -> tuple[tuple[float, ...], ...]:
        value = self._values.pop(name, [list(item) for item in default])
        if not isinstance(value, list) or len(value) > _MOST_VALUES:
            raise UsageError(f'"{name}" must be a list of lists of numbers, one a feature map.')
        return tuple(self._numbers(item, name) for item in value)

    def grids(self, strides: Sequence[int], height: int, width: int) -> list[GridSize]:
        """Rows and columns of each feature map; the picture divided by the strides when they are not said."""
        if "feature_maps" not in self._values:
            return [(math.ceil(height / stride), math.ceil(width / stride)) for stride in strides]
        found = self.lists("feature_maps")
        if any(len(grid) != 2 or any(side != int(side) for side in grid) for grid in found):
            raise UsageError('"feature_maps" must be a list of rows and columns: [[19, 19], [10, 10]].')
        return [(int(grid[0]), int(grid[1])) for grid in found]

    def finish(self) -> None:
        if self._values:
            raise UsageError(f"this generator of anchors has no option {next(iter(self._values))!r}.")

    def _numbers(self, values: Any, name: str) -> tuple[float, ...]:
        fine = isinstance(values, list) and len(values) <= _MOST_VALUES
        if not fine or not all(
            isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LARGEST for value in values
        ):
            raise UsageError(f'"{name}" must be a list of numbers above 0.')
        return tuple(float(value) for value in values)


def generate_anchors(description: Mapping[str, Any], file: str, height: int, width: int) -> Boxes:
    """[A, 4] as centre y, centre x, height, width in 0..1 of a picture of `height` x `width` pixels.

    `description` is `{"generator": NAME, option: value, ...}`. Raises UsageError naming what is wrong with it.
    """
    name = description[GENERATOR]
    make = _GENERATORS.get(name) if isinstance(name, str) else None
    if make is None:
        raise UsageError(f'{file}: "{GENERATOR}" is {name!r}; edgeproof knows {", ".join(_GENERATORS)}.')
    fields = _Fields({key: value for key, value in description.items() if key != GENERATOR})
    try:
        generate = make(fields, height, width)
        fields.finish()
        return generate()
    except (NotAnSsdError, UsageError) as error:
        raise UsageError(f"{file}: {error}") from error


_Make = Callable[[_Fields, int, int], Callable[[], Boxes]]


def _mediapipe(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    sides = fields.whole("input_size_height", height), fields.whole("input_size_width", width)
    # MediaPipe's own graphs say 1 x 1 where only the grid matters.
    if sides not in ((height, width), (1, 1)):
        raise UsageError(f"these anchors are for {sides[0]} x {sides[1]}, and the network takes {height} x {width}.")
    fields.flag("normalize_coordinates", True)
    anchors = MediapipeAnchors(
        num_layers=fields.whole("num_layers", 0, most=_MOST_VALUES),
        min_scale=fields.number("min_scale", 0.0),
        max_scale=fields.number("max_scale", 0.0),
        strides=fields.wholes("strides"),
        feature_map_height=fields.wholes("feature_map_height"),
        feature_map_width=fields.wholes("feature_map_width"),
        aspect_ratios=fields.numbers("aspect_ratios"),
        anchor_offset_x=fields.number("anchor_offset_x", 0.5),
        anchor_offset_y=fields.number("anchor_offset_y", 0.5),
        reduce_boxes_in_lowest_layer=fields.flag("reduce_boxes_in_lowest_layer", False),
        interpolated_scale_aspect_ratio=fields.number("interpolated_scale_aspect_ratio", 1.0),
        fixed_anchor_size=fields.flag("fixed_anchor_size", False),
        multiscale_anchor_generation=fields.flag("multiscale_anchor_generation", False),
        min_level=fields.whole("min_level", 3),
        max_level=fields.whole("max_level", 7, most=_DEEPEST_LEVEL),
        anchor_scale=fields.number("anchor_scale", 4.0),
        scales_per_octave=fields.whole("scales_per_octave", 2, 1, _MOST_VALUES),
    )
    return lambda: anchors.generate(height, width)


def _ssd(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    strides = fields.wholes("height_stride"), fields.wholes("width_stride")
    offsets = fields.wholes("height_offset"), fields.wholes("width_offset")
    if len(strides[0]) != len(strides[1]) or len(offsets[0]) != len(offsets[1]):
        raise UsageError("strides and offsets must be as many for the height as for the width.")
    grids = fields.grids(strides[0], height, width)
    if not grids:
        raise UsageError('say the grids of the network with "feature_maps": [[19, 19], [10, 10], ...].')
    anchors = SsdAnchorGenerator(
        num_layers=fields.whole("num_layers", 6, 1, _MOST_VALUES),
        min_scale=fields.number("min_scale", 0.2),
        max_scale=fields.number("max_scale", 0.95),
        scales=fields.numbers("scales"),
        aspect_ratios=fields.numbers("aspect_ratios"),
        interpolated_scale_aspect_ratio=fields.number("interpolated_scale_aspect_ratio", 1.0),
        reduce_boxes_in_lowest_layer=fields.flag("reduce_boxes_in_lowest_layer", True),
        base_size=(fields.number("base_anchor_height", 1.0), fields.number("base_anchor_width", 1.0)),
        strides=tuple(zip(*strides, strict=True)),
        offsets=tuple(zip(*offsets, strict=True)),
    )
    return lambda: anchors.generate(grids, height, width)


def _multiscale(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    low, high = fields.whole("min_level", 3), fields.whole("max_level", 7, most=_DEEPEST_LEVEL)
    grids = fields.grids([2**level for level in range(low, high + 1)], height, width)
    anchors = MultiscaleAnchorGenerator(
        min_level=low,
        max_level=high,
        anchor_scale=fields.number("anchor_scale", 4.0),
        aspect_ratios=fields.numbers("aspect_ratios", (1.0, 2.0, 0.5)),
        scales_per_octave=fields.whole("scales_per_octave", 2, 1, _MOST_VALUES),
    )
    if high < low:
        raise UsageError('"max_level" is below "min_level".')
    return lambda: anchors.generate(grids, height, width)


def _torchvision_ssd(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    steps = fields.wholes("steps")
    grids = fields.grids(steps, height, width)
    anchors = DefaultBoxes(
        aspect_ratios=fields.lists("aspect_ratios"),
        min_ratio=fields.number("min_ratio", 0.15),
        max_ratio=fields.number("max_ratio", 0.9),
        scales=fields.numbers("scales"),
        steps=steps,
        clip=fields.flag("clip", True),
    )
    if not grids or not anchors.aspect_ratios:
        raise UsageError('say "aspect_ratios": [[2], [2, 3], ...] and "feature_maps": [[20, 20], [10, 10], ...].')
    return lambda: anchors.generate(grids, height, width)


def _torchvision_retinanet(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    usual = PyramidAnchors()
    anchors = PyramidAnchors(fields.lists("sizes", usual.sizes), fields.numbers("aspect_ratios", usual.aspect_ratios))
    grids = fields.grids([2**level for level in range(3, 3 + len(anchors.sizes))], height, width)
    if not anchors.sizes or len(anchors.sizes) > _DEEPEST_LEVEL:
        raise UsageError('"sizes" must be a list of lists of numbers, one a feature map.')
    return lambda: anchors.generate(grids, height, width)


def _keras_retinanet(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    usual = KerasRetinanetAnchors()
    anchors = KerasRetinanetAnchors(
        fields.numbers("sizes", usual.sizes),
        fields.wholes("strides", usual.strides),
        fields.numbers("ratios", usual.ratios),
        fields.numbers("scales", usual.scales),
    )
    if len(anchors.sizes) != len(anchors.strides) or not anchors.sizes:
        raise UsageError(f"it has {len(anchors.sizes)} sizes and {len(anchors.strides)} strides; a level has one each.")
    return lambda: anchors.generate(height, width)


def _efficientdet(fields: _Fields, height: int, width: int) -> Callable[[], Boxes]:
    usual = EfficientdetAnchors()
    anchors = EfficientdetAnchors(
        fields.whole("min_level", usual.min_level),
        fields.whole("max_level", usual.max_level, most=_DEEPEST_LEVEL),
        fields.whole("num_scales", usual.num_scales, 1, _MOST_VALUES),
        fields.numbers("aspect_ratios", usual.aspect_ratios),
        fields.number("anchor_scale", usual.anchor_scale),
    )
    if anchors.max_level < anchors.min_level:
        raise UsageError('"max_level" is below "min_level".')
    return lambda: anchors.generate(height, width)


_GENERATORS: dict[str, _Make] = {
    "mediapipe": _mediapipe,
    "ssd_anchor_generator": _ssd,
    "multiscale_anchor_generator": _multiscale,
    "torchvision-ssd": _torchvision_ssd,
    "torchvision-retinanet": _torchvision_retinanet,
    "keras-retinanet": _keras_retinanet,
    "efficientdet": _efficientdet,
}
