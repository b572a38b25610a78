"""Ways to read an SSD's box predictions that are confused with one another, and the boxes that each gives."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat

Floats = npt.NDArray[np.float32]

_LARGEST_LOGARITHM = 10.0
_SWAPPED = [1, 0, 3, 2]
_SCALES = ((10.0, 10.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0), (5.0, 5.0, 5.0, 5.0))


@dataclass(frozen=True)
class Reading:
    """One hypothesis of what predictions and anchors mean."""

    coder: BoxCoder
    order: CoordinateOrder
    anchor_format: AnchorFormat
    anchor_order: CoordinateOrder
    scales: tuple[float, float, float, float]
    size: tuple[int, int] = (1, 1)
    """Height and width of the network's input, for boxes in pixels."""

    def decode(self, predictions: Floats, anchors: Floats) -> Floats:
        """Boxes [N, 4] as ymin, xmin, ymax, xmax of predictions [N, 4] and anchors [N, 4] as the source gives them."""
        if self.order is CoordinateOrder.XY:
            predictions = predictions[:, _SWAPPED]
        if self.coder is BoxCoder.BOXES:
            return predictions
        if self.coder is BoxCoder.PIXEL_BOXES:
            return np.asarray(predictions / np.tile(np.array(self.size, np.float32), 2), np.float32)
        if self.anchor_order is CoordinateOrder.XY:
            anchors = anchors[:, _SWAPPED]
        if self.anchor_format is AnchorFormat.CORNERS:
            low, high = anchors[:, :2], anchors[:, 2:]
            anchors = np.concatenate([(low + high) / 2, high - low], axis=1).astype(np.float32)
        centres, sides = anchors[:, :2], anchors[:, 2:]
        steps = predictions / np.array(self.scales, np.float32)
        if self.coder is BoxCoder.LINEAR_CORNERS:
            corners = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
            return np.asarray(corners + steps * np.tile(sides, 2), np.float32)
        if self.coder is BoxCoder.DISTANCES:
            outward = np.array([-1, -1, 1, 1], np.float32)
            return np.asarray(np.tile(centres, 2) + outward * steps * np.tile(sides, 2), np.float32)
        middle = centres + steps[:, :2] * sides
        halves = 0.5 * sides * np.exp(np.clip(steps[:, 2:], -_LARGEST_LOGARITHM, _LARGEST_LOGARITHM))
        return np.asarray(np.concatenate([middle - halves, middle + halves], axis=1), np.float32)

    def fields(self) -> dict[str, Any]:
        """Those of `SourceOptions` that say it, by their names."""
        said: dict[str, Any] = {"box_coder": self.coder, "box_order": self.order}
        if self.coder.reads_anchors:
            said |= {"anchor_format": self.anchor_format, "anchor_order": self.anchor_order, "box_scales": self.scales}
        return said

    def options(self) -> str:
        """What to say on the command line."""
        words = f"--box-coder {self.coder.value} --box-order {self.order.value}"
        if not self.coder.reads_anchors:
            return words
        scales = ",".join(f"{scale:g}" for scale in self.scales)
        anchors = f"--anchor-format {self.anchor_format.value} --anchor-order {self.anchor_order.value}"
        return f"{words} {anchors} --box-scales {scales}"

    def mirrored(self) -> "Reading":
        """The same with y and x exchanged everywhere: its boxes agree with each other exactly as these do."""
        other = {CoordinateOrder.YX: CoordinateOrder.XY, CoordinateOrder.XY: CoordinateOrder.YX}
        return Reading(
            self.coder,
            other[self.order],
            self.anchor_format,
            other[self.anchor_order] if self.coder.reads_anchors else self.anchor_order,
            (self.scales[1], self.scales[0], self.scales[3], self.scales[2]),
            self.size,
        )


def all_readings(said: Reading, anchors: Floats) -> list[Reading]:
    """`said` first, then every other hypothesis that the anchors allow.

    Of boxes that are decoded already there are no anchors, and so no readings with anchors.
    """
    orders = tuple(CoordinateOrder)
    decoded = [
        Reading(coder, order, AnchorFormat.CENTRE, CoordinateOrder.YX, coder.usual_scales, said.size)
        for coder in (BoxCoder.BOXES, BoxCoder.PIXEL_BOXES)
        for order in orders
    ]
    if not said.coder.reads_anchors:
        return list(dict.fromkeys([said, *decoded]))
    formats = [form for form in AnchorFormat if _possible(form, anchors)]
    scales = dict.fromkeys([said.scales, *_SCALES])
    found = dict.fromkeys([said, said.mirrored()])
    for coder, order in itertools.product((BoxCoder.CENTRE, BoxCoder.LINEAR_CORNERS, BoxCoder.DISTANCES), orders):
        for form, anchor_order, divisors in itertools.product(formats, orders, scales):
            found[Reading(coder, order, form, anchor_order, divisors, said.size)] = None
    return list(dict.fromkeys([*found, *decoded]))


def _possible(form: AnchorFormat, anchors: Floats) -> bool:
    sides = anchors[:, 2:] - anchors[:, :2] if form is AnchorFormat.CORNERS else anchors[:, 2:]
    return bool((sides > 0).all())
