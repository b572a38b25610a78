"""The metadata that MediaPipe Model Maker writes beside raw heads: anchors and scales in ObjectDetectorOptions."""

from typing import Any

import flatbuffers
import numpy as np

from edgeproof.tflite.metadata_attachment import attach_metadata

_FLOAT = "PrependFloat32Slot"


def with_detector_metadata(
    model: bytes,
    anchors: np.ndarray,
    scales: tuple[float, float, float, float],
    sigmoid: bool = False,
    exponential: bool = True,
) -> bytes:
    """`anchors` [A, 4] as centre y, centre x, height, width; `scales` of y, x, height, width.

    Source: mediapipe/tasks/metadata/object_detector_metadata_schema.fbs and metadata_schema.fbs, by their fields.
    """
    options = _detector_options(anchors, scales, sigmoid, exponential)
    builder = flatbuffers.Builder(1024)
    name = builder.CreateString("DETECTOR_METADATA")
    data = builder.CreateByteVector(options)
    custom = _table(builder, 2, {0: ("PrependUOffsetTRelativeSlot", name), 1: ("PrependUOffsetTRelativeSlot", data)})
    subgraph = _table(builder, 10, {9: ("PrependUOffsetTRelativeSlot", _vector(builder, [custom]))})
    root = _table(builder, 8, {3: ("PrependUOffsetTRelativeSlot", _vector(builder, [subgraph]))})
    builder.Finish(root, b"M001")
    return attach_metadata(model, bytes(builder.Output()), {})


def _detector_options(
    anchors: np.ndarray, scales: tuple[float, float, float, float], sigmoid: bool, exponential: bool
) -> bytes:
    builder = flatbuffers.Builder(4096)
    rows = [
        _table(builder, 4, {place: (_FLOAT, float(row[of])) for place, of in enumerate((1, 0, 3, 2))})
        for row in anchors
    ]
    fixed = _table(builder, 1, {0: ("PrependUOffsetTRelativeSlot", _vector(builder, rows))})
    ssd = _table(builder, 1, {0: ("PrependUOffsetTRelativeSlot", fixed)})
    y, x, height, width = scales
    decoding = _table(
        builder,
        12,
        {
            6: (_FLOAT, x),
            7: (_FLOAT, y),
            8: (_FLOAT, width),
            9: (_FLOAT, height),
            10: ("PrependBoolSlot", exponential),
            11: ("PrependBoolSlot", sigmoid),
        },
    )
    root = _table(builder, 3, {1: ("PrependUOffsetTRelativeSlot", ssd), 2: ("PrependUOffsetTRelativeSlot", decoding)})
    builder.Finish(root, b"V001")
    return bytes(builder.Output())


def _table(builder: Any, fields: int, values: dict[int, tuple[str, Any]]) -> int:
    builder.StartObject(fields)
    for place, (method, value) in values.items():
        getattr(builder, method)(place, value, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
