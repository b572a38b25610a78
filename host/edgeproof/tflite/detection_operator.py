"""Puts `TFLite_Detection_PostProcess` behind the raw heads of a .tflite."""

import numpy as np
import numpy.typing as npt
from flatbuffers import flexbuffers

from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.postprocess import (
    BOXES,
    CLASSES,
    COUNT,
    IMAGE,
    OPERATOR,
    SCORES,
    PostprocessOptions,
    operator_attributes,
)
from edgeproof.tflite.editing import EditableModel


def with_detection_operator(
    data: bytes,
    heads: tuple[int, int],
    anchors: npt.NDArray[np.float32],
    scales: BoxScales,
    num_classes: int,
    options: PostprocessOptions,
) -> bytes:
    """The file with detections instead of its heads, the positions of box encodings and class scores: [1, A, 4] as ty,
    tx, th, tw, and [1, A, 1 + num_classes] in 0..1, background first.

    `anchors` are [A, 4] as centre y, centre x, height, width. Outputs stand in the order and under the tensors' names
    that TensorFlow 1's exporter gives them, which most readers go by.
    """
    model = EditableModel(data)
    model.keep_outputs(heads)
    rows = options.rows
    shapes = {"": [1, rows, 4], ":1": [1, rows], ":2": [1, rows], ":3": [1]}
    named = {f"{OPERATOR}{place}": shape for place, shape in shapes.items()}
    model.end_in(OPERATOR, _flexbuffer(operator_attributes(scales, num_classes, options)), [anchors], named)
    model.name([IMAGE], [BOXES, CLASSES, SCORES, COUNT])
    return model.to_bytes()


def _flexbuffer(attributes: dict[str, int | bool | float]) -> bytes:
    """The attributes as the kernel reads them: a map."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for name, value in attributes.items():
            if isinstance(value, bool):
                builder.Bool(name, value)
            elif isinstance(value, int):
                builder.Int(name, value)
            else:
                builder.Float(name, value, 4)
    return bytes(builder.Finish())
