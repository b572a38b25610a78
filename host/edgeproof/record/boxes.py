"""Boxes in pixels, from the boxes in 0..1 that a detector gives."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PixelBox:
    """A box in pixels; (0, 0) is the picture's top left corner."""

    x: float
    y: float
    width: float
    height: float

    def to_list(self) -> list[float]:
        """[x, y, width, height], the order of COCO's `bbox`."""
        return [self.x, self.y, self.width, self.height]


def pixel_box(box: Sequence[float], width: int, height: int) -> PixelBox:
    """Turns (ymin, xmin, ymax, xmax) in 0..1 into pixels of a `width` x `height` picture, clipped to the picture.

    Detectors reach over the border, and a badly quantized one gives boxes inside out: these become empty, never
    negative. Thousandths of a pixel are kept: at 8000 pixels a float32 in 0..1 resolves no more than half of one.
    """
    ymin, xmin, ymax, xmax = (min(max(float(edge), 0.0), 1.0) for edge in box)
    left, top = round(xmin * width, 3), round(ymin * height, 3)
    right, bottom = round(xmax * width, 3), round(ymax * height, 3)
    return PixelBox(left, top, round(max(right - left, 0.0), 3), round(max(bottom - top, 0.0), 3))
