"""Brings box encodings of any convention to the one that TFLite's operator and the agent decode."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.tensorflow_import import import_tensorflow

_SMALLEST_SIDE = 1e-6
"""Of the picture: a box that is turned inside out has no logarithm."""
_YX = [1, 0, 3, 2]


@dataclass(frozen=True)
class BoxTreatment:
    """What is put behind the network's box predictions, [1, A, 4]."""

    coder: BoxCoder = BoxCoder.CENTRE
    order: CoordinateOrder = CoordinateOrder.YX
    scales: tuple[float, float, float, float] = BoxCoder.CENTRE.usual_scales
    """For y, x, and y, x again (of the sides or the second corner), whatever the order of the predictions is."""
    size: tuple[int, int] = (1, 1)
    """Height and width of the network's input, for boxes in pixels."""

    @property
    def changes_nothing(self) -> bool:
        return self.coder is BoxCoder.CENTRE and self.order is CoordinateOrder.YX

    @property
    def decodes(self) -> bool:
        """Whether the graph makes the boxes, and the operator only passes them on."""
        return self.coder is not BoxCoder.CENTRE

    def canonical_anchors(self, anchors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """[A, 4] centre y, centre x, height, width that the treated encodings are to be decoded with."""
        return np.tile(np.array([0, 0, 1, 1], np.float32), (len(anchors), 1)) if self.decodes else anchors

    def canonical_scales(self) -> BoxScales:
        return BoxScales(1.0, 1.0, 1.0, 1.0) if self.decodes else BoxScales(*self.scales)

    def apply(self, predictions: Any, anchors: npt.NDArray[np.float32]) -> Any:
        """Encodings [1, A, 4] as ty, tx, th, tw for `canonical_anchors`; `anchors` are the network's own."""
        tensorflow = import_tensorflow()
        if self.order is CoordinateOrder.XY:
            predictions = tensorflow.gather(predictions, _YX, axis=2)
        if not self.decodes:
            return predictions
        corners = self._corners(predictions, anchors)
        low, high = corners[:, :, :2], corners[:, :, 2:]
        sides = tensorflow.math.log(tensorflow.maximum(high - low, _SMALLEST_SIDE))
        return tensorflow.concat([(low + high) * 0.5, sides], axis=2)

    def words(self) -> str:
        if self.changes_nothing:
            return ""
        return f"box coder {self.coder.value}, {'x' if self.order is CoordinateOrder.XY else 'y'} first"

    def _corners(self, predictions: Any, anchors: npt.NDArray[np.float32]) -> Any:
        """[1, A, 4] as ymin, xmin, ymax, xmax in 0..1."""
        if self.coder is BoxCoder.BOXES:
            return predictions
        if self.coder is BoxCoder.PIXEL_BOXES:
            return predictions * np.array([1 / self.size[0], 1 / self.size[1]] * 2, np.float32)
        centres, sides = anchors[:, :2], np.tile(anchors[:, 2:], 2)
        steps = predictions * (sides / np.array(self.scales, np.float32))
        if self.coder is BoxCoder.LINEAR_CORNERS:
            return steps + np.concatenate([centres - anchors[:, 2:] / 2, centres + anchors[:, 2:] / 2], axis=1)
        return steps * np.array([-1, -1, 1, 1], np.float32) + np.tile(centres, 2)
