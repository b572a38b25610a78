"""Anchors of the Object Detection API's generators, `anchor_generators/*.py`, computed without it."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError

GridSize = tuple[int, int]
"""Rows and columns of a feature map."""

_MOST = 4_000_000


class AnchorGenerator(Protocol):
    @property
    def anchors_per_location(self) -> tuple[int, ...]:
        """One a feature map: how many boxes a prediction head tells at each of its places."""
        ...

    def generate(self, grids: Sequence[GridSize], height: int, width: int) -> npt.NDArray[np.float32]:
        """[A, 4] as centre y, centre x, height, width in 0..1 of a picture of `height` x `width` pixels.

        Feature map by feature map, row by row, and at a place in the order of the box shapes. Raises NotAnSsdError when
        the number of feature maps is another than the generator's.
        """
        ...


@dataclass(frozen=True)
class SsdAnchorGenerator:
    """`create_ssd_anchors` of multiple_grid_anchor_generator.py: sizes from one scale a feature map."""

    num_layers: int = 6
    min_scale: float = 0.2
    max_scale: float = 0.95
    scales: tuple[float, ...] = ()
    """One a feature map; evenly from `min_scale` to `max_scale` when it is empty."""
    aspect_ratios: tuple[float, ...] = ()
    interpolated_scale_aspect_ratio: float = 1.0
    """Of one more box, between a map's scale and the next; 0 for none."""
    reduce_boxes_in_lowest_layer: bool = True
    base_size: tuple[float, float] = (1.0, 1.0)
    """Height and width of scale 1, in sides of the picture's shorter side."""
    strides: tuple[tuple[int, int], ...] = ()
    """y and x in pixels, one a feature map; the picture divided by the grid when it is empty."""
    offsets: tuple[tuple[int, int], ...] = ()
    """Of the first centre, in pixels; half a stride when it is empty."""

    @property
    def anchors_per_location(self) -> tuple[int, ...]:
        return tuple(len(shapes) for shapes in self._shapes())

    def generate(self, grids: Sequence[GridSize], height: int, width: int) -> npt.NDArray[np.float32]:
        shapes = self._shapes()
        for name, given in (("feature maps", grids), ("strides", self.strides), ("offsets", self.offsets)):
            if given and len(given) != len(shapes):
                raise NotAnSsdError(
                    f"The ssd_anchor_generator is for {len(shapes)} layers, and has {len(given)} {name}."
                )
        shorter = min(height, width)
        base = (self.base_size[0] * shorter / height, self.base_size[1] * shorter / width)
        pixel = (1 / height, 1 / width)
        layers = []
        for index, (grid, boxes) in enumerate(zip(grids, shapes, strict=True)):
            stride = _scaled(self.strides[index], pixel) if self.strides else (1 / grid[0], 1 / grid[1])
            offset = _scaled(self.offsets[index], pixel) if self.offsets else (stride[0] / 2, stride[1] / 2)
            layers.append(tile_anchors(grid, boxes, base, stride, offset))
        return np.concatenate(layers)

    def _shapes(self) -> list[list[tuple[float, float]]]:
        """Scale and aspect ratio of each box, layer by layer."""
        scales = [*(self.scales or self._even_scales()), 1.0]
        layers = []
        for layer, (scale, next_scale) in enumerate(itertools.pairwise(scales[: self.num_layers + 1])):
            if layer == 0 and self.reduce_boxes_in_lowest_layer:
                layers.append([(0.1, 1.0), (scale, 2.0), (scale, 0.5)])
                continue
            boxes = [(scale, ratio) for ratio in self.aspect_ratios]
            if self.interpolated_scale_aspect_ratio > 0:
                boxes.append((math.sqrt(scale * next_scale), self.interpolated_scale_aspect_ratio))
            layers.append(boxes)
        return layers

    def _even_scales(self) -> tuple[float, ...]:
        if self.num_layers == 1:
            raise NotAnSsdError("The ssd_anchor_generator has one layer and no scales: it is not defined for that.")
        step = (self.max_scale - self.min_scale) / (self.num_layers - 1)
        return tuple(self.min_scale + step * layer for layer in range(self.num_layers))


@dataclass(frozen=True)
class MultiscaleAnchorGenerator:
    """multiscale_grid_anchor_generator.py: sizes and strides from the level of a feature pyramid."""

    min_level: int = 3
    max_level: int = 7
    anchor_scale: float = 4.0
    """Of the stride, 2 to the power of the level."""
    aspect_ratios: tuple[float, ...] = ()
    scales_per_octave: int = 2

    @property
    def anchors_per_location(self) -> tuple[int, ...]:
        boxes = len(self.aspect_ratios) * self.scales_per_octave
        return (boxes,) * (self.max_level - self.min_level + 1)

    def generate(self, grids: Sequence[GridSize], height: int, width: int) -> npt.NDArray[np.float32]:
        levels = range(self.min_level, self.max_level + 1)
        if len(grids) != len(levels):
            raise NotAnSsdError(
                f"The multiscale_anchor_generator is for {len(levels)} levels, and the network has {len(grids)}."
            )
        scales = [2 ** (scale / self.scales_per_octave) for scale in range(self.scales_per_octave)]
        boxes = [(scale, ratio) for ratio in self.aspect_ratios for scale in scales]
        pixel, layers = (1 / height, 1 / width), []
        for level, grid in zip(levels, grids, strict=True):
            stride = 2**level
            # The API centres the anchors only where the grid divides the picture.
            offset = tuple(stride / 2 if side % stride == 0 else 0.0 for side in (height, width))
            size = self.anchor_scale * stride
            sizes = (_scaled(pair, pixel) for pair in ((size, size), (stride, stride), (offset[0], offset[1])))
            layers.append(tile_anchors(grid, boxes, *sizes))
        return np.concatenate(layers)


def _scaled(pair: tuple[float, float], pixel: tuple[float, float]) -> tuple[float, float]:
    return pair[0] * pixel[0], pair[1] * pixel[1]


def require_few(grid: GridSize, boxes: int) -> None:
    """Raises NotAnSsdError when a feature map has more anchors than any network."""
    if not 0 < grid[0] * grid[1] * boxes <= _MOST:
        raise NotAnSsdError(f"a feature map of {grid[0]} x {grid[1]} with {boxes} anchors at each place is none")


def tile_anchors(
    grid: GridSize,
    boxes: Sequence[tuple[float, float]],
    base: tuple[float, float],
    stride: tuple[float, float],
    offset: tuple[float, float],
) -> npt.NDArray[np.float32]:
    """`tile_anchors` of grid_anchor_generator.py: [rows * columns * boxes, 4] of boxes as scale and aspect ratio (width
    in heights). The others are y and x in 0..1 of the picture."""
    require_few(grid, len(boxes))
    scales, ratios = np.array(boxes, np.float64).reshape(-1, 2).T
    y, x = (np.arange(count) * step + start for count, step, start in zip(grid, stride, offset, strict=True))
    sizes = (scales / np.sqrt(ratios) * base[0], scales * np.sqrt(ratios) * base[1])
    rows, columns, shape = np.meshgrid(y, x, np.arange(len(scales)), indexing="ij")
    anchors = np.stack([rows, columns, sizes[0][shape], sizes[1][shape]], axis=-1)
    return anchors.reshape(-1, 4).astype(np.float32)
