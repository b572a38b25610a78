"""Describes a detector in TFLite's standard metadata, so that other tools read its labels, input and outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

from edgeproof.ssd.files.labels import UNUSED, Labels
from edgeproof.tflite.flatbuffer_tables import Byte, Field, Int, Offset, UInt, add_offsets, add_table, add_text
from edgeproof.tflite.metadata_attachment import attach_metadata
from edgeproof.tflite.metadata_schema import (
    IDENTIFIER,
    PARSER_VERSION,
    BoundingBoxField,
    BoundingBoxType,
    ColourSpace,
    ContentField,
    ContentType,
    CoordinateType,
    FileField,
    FileType,
    ImageField,
    ModelField,
    NormalizationField,
    RangeField,
    SizeField,
    SubgraphField,
    TensorField,
    UnitField,
    UnitType,
)
from edgeproof_agent.bundle.manifest import ColourOrder, InputContract, OutputContract, RawHeadsContract

LABELS_FILE = "labels.txt"

# Where `BOUNDARIES`, that is left, top, right and bottom stand in (ymin, xmin, ymax, xmax).
_BOX_ORDER = (1, 0, 3, 2)


def describe_detector(
    model: bytes, name: str, contract: InputContract, output: OutputContract | RawHeadsContract, labels: Labels
) -> bytes:
    """The .tflite with the metadata of an object detector, and its labels packed with it: line = class index, or of raw
    heads the column of the class scores.

    Detections have the names that TensorFlow Lite's task library looks for.
    """
    names = labels.names[labels.label_offset :]
    lines = names if isinstance(output, OutputContract) else (UNUSED, *names)
    text = "".join(f"{label}\n" for label in lines)
    return attach_metadata(model, _record(name, contract, output), {LABELS_FILE: text.encode()})


def _record(name: str, contract: InputContract, output: OutputContract | RawHeadsContract) -> bytes:
    builder = flatbuffers.Builder(2048)
    outputs = _detections(builder, output) if isinstance(output, OutputContract) else _heads(builder, output)
    subgraph = add_table(
        builder,
        {
            SubgraphField.INPUTS: add_offsets(builder, [_image(builder, contract)]),
            SubgraphField.OUTPUTS: add_offsets(builder, [outputs[position] for position in sorted(outputs)]),
        },
    )
    root = add_table(
        builder,
        {
            ModelField.NAME: add_text(builder, name),
            ModelField.SUBGRAPHS: add_offsets(builder, [subgraph]),
            ModelField.MIN_PARSER_VERSION: add_text(builder, PARSER_VERSION),
        },
    )
    builder.Finish(root.value, IDENTIFIER)
    return bytes(builder.Output())


def _image(builder: Any, contract: InputContract) -> Offset:
    rgb = contract.colour_order is ColourOrder.RGB
    size = add_table(builder, {SizeField.WIDTH: UInt(contract.width), SizeField.HEIGHT: UInt(contract.height)})
    properties = add_table(
        builder,
        {ImageField.COLOUR_SPACE: Byte(ColourSpace.RGB if rgb else ColourSpace.UNKNOWN), ImageField.DEFAULT_SIZE: size},
    )
    normalization = add_table(
        builder,
        {
            NormalizationField.MEAN: _floats(builder, contract.mean),
            NormalizationField.STD: _floats(builder, contract.std),
        },
    )
    unit = add_table(builder, {UnitField.OPTIONS_TYPE: Byte(UnitType.NORMALIZATION), UnitField.OPTIONS: normalization})
    return _tensor(
        builder,
        "image",
        f"The picture, {'RGB' if rgb else 'BGR'}.",
        _content(builder, ContentType.IMAGE, properties),
        {TensorField.PROCESS_UNITS: add_offsets(builder, [unit])},
    )


def _detections(builder: Any, output: OutputContract) -> dict[int, Offset]:
    return {
        output.boxes: _boxes(builder),
        output.classes: _classes(builder),
        output.scores: _scores(builder),
        output.count: _count(builder),
    }


def _heads(builder: Any, output: RawHeadsContract) -> dict[int, Offset]:
    encodings = "ty, tx, th, tw of each anchor, as Faster R-CNN's box coder encodes them."
    scores = "The scores of each anchor in 0..1, the background first."
    files = _label_files(builder, FileType.AXIS_LABELS, "The label of each column.")
    feature = ContentType.FEATURE
    return {
        output.box_encodings: _tensor(
            builder, "box encodings", encodings, _content(builder, feature, add_table(builder, {}))
        ),
        output.class_scores: _tensor(
            builder, "class scores", scores, _content(builder, feature, add_table(builder, {})), files
        ),
    }


def _boxes(builder: Any) -> Offset:
    properties = add_table(
        builder,
        {
            BoundingBoxField.INDEX: Offset(int(builder.CreateNumpyVector(np.array(_BOX_ORDER, "<u4")))),
            BoundingBoxField.TYPE: Byte(BoundingBoxType.BOUNDARIES),
            BoundingBoxField.COORDINATE_TYPE: Byte(CoordinateType.RATIO),
        },
    )
    content = _content(builder, ContentType.BOUNDING_BOX, properties, each=True)
    return _tensor(builder, "location", "The boxes as (ymin, xmin, ymax, xmax) in 0..1.", content)


def _classes(builder: Any) -> Offset:
    return _tensor(
        builder,
        "category",
        "The class index of each box, without background.",
        _content(builder, ContentType.FEATURE, add_table(builder, {}), each=True),
        _label_files(builder, FileType.VALUE_LABELS, "The label of each class index."),
    )


def _label_files(builder: Any, kind: FileType, description: str) -> dict[TensorField, Offset]:
    file = add_table(
        builder,
        {
            FileField.NAME: add_text(builder, LABELS_FILE),
            FileField.DESCRIPTION: add_text(builder, description),
            FileField.TYPE: Byte(kind),
        },
    )
    return {TensorField.FILES: add_offsets(builder, [file])}


def _scores(builder: Any) -> Offset:
    content = _content(builder, ContentType.FEATURE, add_table(builder, {}), each=True)
    return _tensor(builder, "score", "The score of each box in 0..1, the best first.", content)


def _count(builder: Any) -> Offset:
    content = _content(builder, ContentType.FEATURE, add_table(builder, {}))
    return _tensor(
        builder, "number of detections", "How many boxes there are; what follows them has no meaning.", content
    )


def _tensor(
    builder: Any, name: str, description: str, content: Offset, more: Mapping[TensorField, Offset] | None = None
) -> Offset:
    fields: dict[int, Field] = {
        TensorField.NAME: add_text(builder, name),
        TensorField.DESCRIPTION: add_text(builder, description),
        TensorField.CONTENT: content,
    }
    fields.update((more or {}).items())
    return add_table(builder, fields)


def _content(builder: Any, kind: ContentType, properties: Offset, each: bool = False) -> Offset:
    """`each`: the tensor is a list, of which dimension 2 is one element, as TensorFlow Lite's own writer has it."""
    fields: dict[int, Field] = {ContentField.PROPERTIES_TYPE: Byte(kind), ContentField.PROPERTIES: properties}
    if each:
        fields[ContentField.RANGE] = add_table(builder, {RangeField.MIN: Int(2), RangeField.MAX: Int(2)})
    return add_table(builder, fields)


def _floats(builder: Any, values: Sequence[float]) -> Offset:
    return Offset(int(builder.CreateNumpyVector(np.array(values, "<f4"))))
