"""Anchors of RetinaNets on a feature pyramid: keras-retinanet's and EfficientDet's.

Sources: keras_retinanet/utils/anchors.py (`generate_anchors`, `shift`) of fizyr/keras-retinanet, and
efficientdet/tf2/anchors.py (`Anchors._generate_configs`, `_generate_boxes`) of google/automl. Both put centres into the
middle of each stride. They differ in the order of the boxes at a place, in what an aspect ratio is, and where the grid
does not divide the picture: EfficientDet then spreads it evenly.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.anchors.object_detection_api import tile_anchors


@dataclass(frozen=True)
class KerasRetinanetAnchors:
    sizes: tuple[float, ...] = (32.0, 64.0, 128.0, 256.0, 512.0)
    """In pixels, one a feature map."""
    strides: tuple[int, ...] = (8, 16, 32, 64, 128)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Heights in widths."""
    scales: tuple[float, ...] = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))

    def generate(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """[A, 4] as centre y, centre x, height, width in 0..1 of a picture of `height` x `width` pixels."""
        boxes = [(scale, 1 / ratio) for ratio in self.ratios for scale in self.scales]
        layers = []
        for size, stride in zip(self.sizes, self.strides, strict=True):
            grid = (math.ceil(height / stride), math.ceil(width / stride))
            step = (stride / height, stride / width)
            half = (step[0] / 2, step[1] / 2)
            layers.append(tile_anchors(grid, boxes, (size / height, size / width), step, half))
        return np.concatenate(layers)


@dataclass(frozen=True)
class EfficientdetAnchors:
    min_level: int = 3
    max_level: int = 7
    num_scales: int = 3
    aspect_ratios: tuple[float, ...] = (1.0, 2.0, 0.5)
    """Widths in heights."""
    anchor_scale: float = 4.0

    def generate(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """[A, 4] as centre y, centre x, height, width in 0..1 of a picture of `height` x `width` pixels."""
        octaves = [2 ** (scale / self.num_scales) for scale in range(self.num_scales)]
        boxes = [(octave, ratio) for octave in octaves for ratio in self.aspect_ratios]
        layers = []
        for level in range(self.min_level, self.max_level + 1):
            grid = (math.ceil(height / 2**level), math.ceil(width / 2**level))
            step = (1 / grid[0], 1 / grid[1])
            base = (self.anchor_scale * step[0], self.anchor_scale * step[1])
            layers.append(tile_anchors(grid, boxes, base, step, (step[0] / 2, step[1] / 2)))
        return np.concatenate(layers)
