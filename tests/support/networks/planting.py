"""What a network says, in any other convention: boxes are encoded anew, written down without the code under test."""

import itertools
from collections.abc import Sequence

import numpy as np

from edgeproof.convert.witness.observation import Floats, Observation, Observed
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat

YX, XY = CoordinateOrder.YX, CoordinateOrder.XY
_SCALES = ((10.0, 10.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0), (5.0, 5.0, 5.0, 5.0))
SIZE = (240, 320)
"""Of the network's input, in which boxes may be given."""
_SWAPPED = [1, 0, 3, 2]


def every_reading() -> list[Reading]:
    """Every convention that boxes and anchors in 0..1 can have here, each once."""
    coders = [coder for coder in BoxCoder if coder.reads_anchors]
    conventions = itertools.product(coders, (YX, XY), AnchorFormat, (YX, XY), _SCALES, [SIZE])
    readings = [Reading(*item) for item in conventions]
    decoded = itertools.product((BoxCoder.BOXES, BoxCoder.PIXEL_BOXES), (YX, XY))
    return readings + [Reading(*item, AnchorFormat.CENTRE, YX, (1.0,) * 4, SIZE) for item in decoded]


def encode(reading: Reading, boxes: Floats, anchors: Floats) -> tuple[Floats, Floats]:
    """Predictions and anchors [N, 4] in the convention of `reading`.

    `boxes` are ymin, xmin, ymax, xmax, `anchors` centre y, centre x, height, width.
    """
    cy, cx, h, w = anchors.T.astype(np.float64)
    ymin, xmin, ymax, xmax = boxes.T.astype(np.float64)
    sy, sx, sh, sw = reading.scales
    if reading.coder is BoxCoder.CENTRE:
        height, width = np.maximum(ymax - ymin, 1e-6), np.maximum(xmax - xmin, 1e-6)
        columns = [((ymin + ymax) / 2 - cy) / h * sy, ((xmin + xmax) / 2 - cx) / w * sx]
        columns += [np.log(height / h) * sh, np.log(width / w) * sw]
    elif reading.coder is BoxCoder.LINEAR_CORNERS:
        columns = [(ymin - cy + h / 2) / h * sy, (xmin - cx + w / 2) / w * sx]
        columns += [(ymax - cy - h / 2) / h * sh, (xmax - cx - w / 2) / w * sw]
    elif reading.coder is BoxCoder.DISTANCES:
        columns = [(cy - ymin) / h * sy, (cx - xmin) / w * sx, (ymax - cy) / h * sh, (xmax - cx) / w * sw]
    else:
        sides = reading.size if reading.coder is BoxCoder.PIXEL_BOXES else (1, 1)
        columns = [ymin * sides[0], xmin * sides[1], ymax * sides[0], xmax * sides[1]]
    given = [cy, cx, h, w]
    if reading.anchor_format is AnchorFormat.CORNERS:
        given = [cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2]
    predictions, values = np.stack(columns, axis=1), np.stack(given, axis=1)
    if reading.order is XY:
        predictions = predictions[:, _SWAPPED]
    if reading.anchor_order is XY:
        values = values[:, _SWAPPED]
    return predictions.astype(np.float32), values.astype(np.float32)


def plant(reading: Reading, true: Reading, seen: Sequence[Observed]) -> list[Observed]:
    """What the network that was `seen`, whose convention is `true`, would say if its convention were `reading`."""
    return [
        Observed(_plant(reading, true, item.still), _plant(reading, true, item.moved), item.columns) for item in seen
    ]


def _plant(reading: Reading, true: Reading, seen: Observation) -> Observation:
    anchors = seen.anchors
    if true.anchor_order is XY:
        anchors = anchors[:, _SWAPPED]
    if true.anchor_format is AnchorFormat.CORNERS:
        low, high = anchors[:, :2], anchors[:, 2:]
        anchors = np.concatenate([(low + high) / 2, high - low], axis=1)
    return Observation(*encode(reading, true.decode(seen.predictions, seen.anchors), anchors), seen.scores)
