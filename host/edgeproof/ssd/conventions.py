"""The conventions in which networks give boxes, anchors and background, as closed sets with the field's names."""

import enum

LARGEST_NORMALISED = 10.0
"""Boxes in 0..1 of the picture reach beyond it, but not that far: larger ones are in pixels."""


class BoxCoder(enum.Enum):
    """What the four numbers of an anchor mean. All but `CENTRE` are rewritten in the graph for TFLite's operator."""

    CENTRE = "centre"
    """Offsets of the centre and logarithms of the sides, as Faster R-CNN's coder has them, times the box scales."""
    LINEAR_CORNERS = "linear-corners"
    """Offsets of the four corners in sides of the anchor, times the box scales; keras-retinanet's."""
    BOXES = "boxes"
    """Corners of boxes that are decoded already, in 0..1 of the picture."""
    PIXEL_BOXES = "pixel-boxes"
    """The same in pixels of the network's input."""
    DISTANCES = "distances"
    """Distances from the anchor's centre to the four sides of the box in sides of the anchor, times the box scales."""

    @property
    def usual_scales(self) -> tuple[float, float, float, float]:
        """What the four numbers are divided by when nobody says it."""
        return {BoxCoder.CENTRE: (10.0, 10.0, 5.0, 5.0), BoxCoder.LINEAR_CORNERS: (5.0, 5.0, 5.0, 5.0)}.get(
            self, (1.0, 1.0, 1.0, 1.0)
        )

    @property
    def reads_anchors(self) -> bool:
        return self not in (BoxCoder.BOXES, BoxCoder.PIXEL_BOXES)


class CoordinateOrder(enum.Enum):
    """Which coordinate comes first in each pair."""

    YX = "yx"
    XY = "xy"


class AnchorUnits(enum.Enum):
    NORMALISED = "normalised"
    """0..1 of the picture."""
    PIXELS = "pixels"
    """Of the network's input."""


class BackgroundPlace(enum.Enum):
    """Which column of a network's scores is the background; each by the option that says it."""

    FIRST = "--background"
    LAST = "--background-last"
    NONE = "--no-background"
