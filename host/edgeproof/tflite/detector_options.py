"""The custom metadata by which MediaPipe decodes a detector's raw heads: anchors, scales, sigmoid.

Source: mediapipe/tasks/metadata/object_detector_metadata_schema.fbs of github.com/google-ai-edge/mediapipe, version
1.0.0. MediaPipe Model Maker writes it.
"""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.tflite.metadata_table import MetadataTable
from edgeproof.tflite.read_budget import ReadBudget

DETECTOR_METADATA = "DETECTOR_METADATA"
"""Name of the custom metadata."""


class _OptionsField(enum.IntEnum):
    ANCHORS = 1
    DECODING = 2


class _DecodingField(enum.IntEnum):
    X_SCALE = 6
    Y_SCALE = 7
    WIDTH_SCALE = 8
    HEIGHT_SCALE = 9
    EXPONENTIAL = 10
    SIGMOID = 11


@dataclass(frozen=True)
class DetectorOptions:
    anchors: npt.NDArray[np.float32]
    """[A, 4] as centre y, centre x, height, width, in 0..1 of the picture."""
    box_scales: tuple[float, float, float, float]
    """Divisors of ty, tx, th, tw."""
    exponential: bool
    """Whether heights and widths are logarithms, as edgeproof decodes them."""
    sigmoid: bool
    """Whether the scores are logits."""


def parse_detector_options(data: bytes, budget: ReadBudget) -> DetectorOptions | None:
    """None when it does not list anchors and say how boxes are decoded. Raises ValueError for impossible scales."""
    root = MetadataTable.root(data, budget)
    anchors, decoding = root.table(_OptionsField.ANCHORS), root.table(_OptionsField.DECODING)
    fixed = None if anchors is None else anchors.table(0)
    if fixed is None or decoding is None:
        return None
    rows = [[anchor.number(field) for field in (1, 0, 3, 2)] for anchor in fixed.tables(0)]
    y, x, height, width = (
        decoding.number(field)
        for field in (
            _DecodingField.Y_SCALE,
            _DecodingField.X_SCALE,
            _DecodingField.HEIGHT_SCALE,
            _DecodingField.WIDTH_SCALE,
        )
    )
    if not rows:
        return None
    if not all(np.isfinite(scale) and scale > 0 for scale in (y, x, height, width)):
        raise ValueError(f"its scales are {y:g}, {x:g}, {height:g}, {width:g}")
    return DetectorOptions(
        np.array(rows, np.float32),
        (y, x, height, width),
        bool(decoding.byte(_DecodingField.EXPONENTIAL)),
        bool(decoding.byte(_DecodingField.SIGMOID)),
    )
