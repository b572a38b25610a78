"""Anchors as MediaPipe's SsdAnchorsCalculator makes them.

Source: mediapipe/calculators/tflite/ssd_anchors_calculator.cc and .proto; the fields have the names of the proto.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.errors import UsageError
from edgeproof.ssd.anchors.object_detection_api import GridSize, MultiscaleAnchorGenerator, tile_anchors


@dataclass(frozen=True)
class MediapipeAnchors:
    num_layers: int = 0
    min_scale: float = 0.0
    max_scale: float = 0.0
    strides: tuple[int, ...] = ()
    """In pixels, one a feature map. Neighbours that are alike share one grid, whose places then have the boxes of
    both."""
    feature_map_height: tuple[int, ...] = ()
    """Rows of each feature map; the picture divided by the strides when it is empty."""
    feature_map_width: tuple[int, ...] = ()
    aspect_ratios: tuple[float, ...] = ()
    anchor_offset_x: float = 0.5
    anchor_offset_y: float = 0.5
    reduce_boxes_in_lowest_layer: bool = False
    interpolated_scale_aspect_ratio: float = 1.0
    fixed_anchor_size: bool = False
    multiscale_anchor_generation: bool = False
    min_level: int = 3
    max_level: int = 7
    anchor_scale: float = 4.0
    scales_per_octave: int = 2

    def generate(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """[A, 4] as centre y, centre x, height, width in 0..1 of a picture of `height` x `width` pixels.

        Raises UsageError when there are not as many feature maps as layers.
        """
        layers = self.max_level - self.min_level + 1 if self.multiscale_anchor_generation else self.num_layers
        grids = self._grids(height, width)
        if len(grids) != layers or layers < 1:
            raise UsageError(
                f"{layers} layers and {len(grids)} feature maps: give one of strides, or of feature_map_height and "
                "feature_map_width, for each layer."
            )
        if self.multiscale_anchor_generation:
            pyramid = MultiscaleAnchorGenerator(
                self.min_level, self.max_level, self.anchor_scale, self.aspect_ratios, self.scales_per_octave
            )
            return pyramid.generate(grids, height, width)
        return np.concatenate([self._layer(first, end, grids[first]) for first, end in self._groups()])

    def _grids(self, height: int, width: int) -> list[GridSize]:
        if self.feature_map_height:
            return list(zip(self.feature_map_height, self.feature_map_width, strict=False))
        return [(math.ceil(height / stride), math.ceil(width / stride)) for stride in self.strides]

    def _groups(self) -> list[tuple[int, int]]:
        """First and end of each run of layers with one stride."""
        groups, first = [], 0
        while first < self.num_layers:
            end = first + 1
            while self.strides and end < len(self.strides) and self.strides[end] == self.strides[first]:
                end += 1
            groups.append((first, end))
            first = end
        return groups

    def _layer(self, first: int, end: int, grid: GridSize) -> npt.NDArray[np.float32]:
        boxes = [box for layer in range(first, end) for box in self._boxes(layer)]
        stride = (1 / grid[0], 1 / grid[1])
        offset = (self.anchor_offset_y * stride[0], self.anchor_offset_x * stride[1])
        anchors = tile_anchors(grid, boxes, (1.0, 1.0), stride, offset)
        if self.fixed_anchor_size:
            anchors[:, 2:] = 1
        return anchors

    def _boxes(self, layer: int) -> list[tuple[float, float]]:
        """Scale and aspect ratio of each."""
        scale = self._scale(layer)
        if layer == 0 and self.reduce_boxes_in_lowest_layer:
            return [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        boxes = [(scale, ratio) for ratio in self.aspect_ratios]
        if self.interpolated_scale_aspect_ratio > 0:
            following = 1.0 if layer == self.num_layers - 1 else self._scale(layer + 1)
            boxes.append((math.sqrt(scale * following), self.interpolated_scale_aspect_ratio))
        return boxes

    def _scale(self, layer: int) -> float:
        if self.num_layers == 1:
            return (self.min_scale + self.max_scale) / 2
        return self.min_scale + (self.max_scale - self.min_scale) * layer / (self.num_layers - 1)
