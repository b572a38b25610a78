"""Anchors as torchvision's generators make them.

Source: torchvision/models/detection/anchor_utils.py, `DefaultBoxGenerator` (SSD) and `AnchorGenerator` (RetinaNet);
the fields have the names of their arguments. Tensors of torchvision are x first, what is generated here is y first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import UsageError
from edgeproof.ssd.anchors.object_detection_api import GridSize, require_few


@dataclass(frozen=True)
class DefaultBoxes:
    aspect_ratios: tuple[tuple[float, ...], ...]
    """One list a feature map."""
    min_ratio: float = 0.15
    max_ratio: float = 0.9
    scales: tuple[float, ...] = ()
    """One more than feature maps; evenly from `min_ratio` to `max_ratio`, then 1, when it is empty."""
    steps: tuple[int, ...] = ()
    """Pixels between centres; the picture divided by the grid when it is empty."""
    clip: bool = True

    def generate(self, grids: Sequence[GridSize], height: int, width: int) -> npt.NDArray[np.float32]:
        """[A, 4] as centre y, centre x, height, width in 0..1. Raises UsageError when the lists do not fit."""
        maps = len(self.aspect_ratios)
        scales = self.scales or self._even_scales()
        for name, found, wanted in (
            ("feature maps", len(grids), maps),
            ("scales", len(scales), maps + 1),
            ("steps", len(self.steps) or maps, maps),
        ):
            if found != wanted:
                raise UsageError(f"aspect_ratios are for {maps} feature maps, which need {wanted} {name}, not {found}.")
        layers = []
        for index, grid in enumerate(grids):
            sides = np.array(self._sides(index, scales), np.float32)
            if self.clip:
                sides = np.clip(sides, 0, 1)
            step = self.steps[index] if self.steps else None
            rows, columns = (grid[0], grid[1]) if step is None else (height / step, width / step)
            y, x = (np.arange(grid[0]) + 0.5) / rows, (np.arange(grid[1]) + 0.5) / columns
            layers.append(_at_each_place(y, x, sides))
        return np.concatenate(layers)

    def _even_scales(self) -> tuple[float, ...]:
        maps = len(self.aspect_ratios)
        if maps == 1:
            return (self.min_ratio, self.max_ratio)
        step = (self.max_ratio - self.min_ratio) / (maps - 1)
        return (*(self.min_ratio + step * index for index in range(maps)), 1.0)

    def _sides(self, index: int, scales: Sequence[float]) -> list[tuple[float, float]]:
        """Height and width of the boxes at each place."""
        scale, between = scales[index], math.sqrt(scales[index] * scales[index + 1])
        sides = [(scale, scale), (between, between)]
        for ratio in self.aspect_ratios[index]:
            root = math.sqrt(ratio)
            sides += [(scale / root, scale * root), (scale * root, scale / root)]
        return sides


_OCTAVES = tuple(tuple(float(int(size * 2 ** (third / 3))) for third in range(3)) for size in (32, 64, 128, 256, 512))


@dataclass(frozen=True)
class PyramidAnchors:
    """Corners are rounded to pixels, and centres lie where the strides begin."""

    sizes: tuple[tuple[float, ...], ...] = _OCTAVES
    """In pixels, one list a feature map."""
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Heights in widths."""

    def generate(self, grids: Sequence[GridSize], height: int, width: int) -> npt.NDArray[np.float32]:
        """[A, 4] as centre y, centre x, height, width in 0..1. Raises UsageError when the lists do not fit."""
        if len(grids) != len(self.sizes):
            raise UsageError(f"sizes are for {len(self.sizes)} feature maps, and the network has {len(grids)}.")
        layers = []
        for sizes, grid in zip(self.sizes, grids, strict=True):
            high = np.sqrt(np.array(self.aspect_ratios, np.float32))
            heights, widths = (np.outer(root, np.array(sizes, np.float32)).ravel() for root in (high, 1 / high))
            sides = 2 * np.round(np.stack([heights, widths], axis=1) / 2)
            y, x = np.arange(grid[0]) * (height // grid[0]), np.arange(grid[1]) * (width // grid[1])
            layers.append(_at_each_place(y, x, sides))
        return np.asarray(np.concatenate(layers) / np.array([height, width] * 2), np.float32)


def _at_each_place(y: npt.NDArray[Any], x: npt.NDArray[Any], sides: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Row by row, all boxes at each place: [rows * columns * boxes, 4]."""
    require_few((len(y), len(x)), len(sides))
    rows, columns, box = np.meshgrid(y, x, np.arange(len(sides)), indexing="ij")
    anchors = np.stack([rows, columns, sides[box, 0], sides[box, 1]], axis=-1)
    return anchors.reshape(-1, 4).astype(np.float32)
