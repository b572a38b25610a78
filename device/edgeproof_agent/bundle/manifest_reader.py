"""Reads `bundle.json`: every field is checked, and an error names the one that is wrong."""

import re
from typing import Any, Optional, Union

from edgeproof_agent.bundle.manifest import (
    ANCHORS_FILE,
    LABELS_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    SCHEMA,
    BoxScales,
    ColourOrder,
    Coordinates,
    Decoder,
    FileEntry,
    InputContract,
    InputType,
    Manifest,
    ManifestError,
    NonMaxSuppression,
    OutputContract,
    Quantization,
    RawHeadsContract,
)
from edgeproof_agent.wire.fields import FieldError, Fields

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_DETECTIONS = 100_000
_MAX_CLASSES = 100_000
_MAX_CATEGORY_ID = 2**31
_SHA256 = re.compile(r"[0-9a-f]{64}")


def parse_manifest(data: object) -> Manifest:
    """Reads a decoded `bundle.json`. Raises `ManifestError` naming the field that is wrong."""
    try:
        return _parse(Fields(data, ""))
    except FieldError as error:
        raise ManifestError(f"bundle.json: {error}") from error


def _parse(root: Fields) -> Manifest:
    schema = root.text("schema")
    if schema != SCHEMA:
        raise FieldError(f"schema is {schema!r}; this version of edgeproof reads {SCHEMA!r}")
    labels = root.nested("labels")
    files, output = _parse_files(root.mapping("files")), _parse_output(root.nested("output"))
    if output.decoder is Decoder.AGENT and ANCHORS_FILE not in files:
        raise FieldError(f"files.{ANCHORS_FILE} is missing, and the agent needs the anchors")
    return Manifest(
        name=root.text("name", max_length=128),
        variant=_parse_variant(root),
        files=files,
        input=_parse_input(root.nested("input")),
        output=output,
        label_offset=labels.integer("label_offset", high=1),
        category_offset=labels.integer("category_offset", high=_MAX_CATEGORY_ID),
        provenance=root.mapping("provenance"),
        category_ids=_parse_category_ids(labels),
    )


def _parse_variant(root: Fields) -> str:
    """Folders are named by it."""
    variant = root.text("variant", max_length=64)
    if not _VARIANT.fullmatch(variant):
        raise FieldError("variant must be letters, digits, dots, dashes and underscores, with a letter or digit first")
    return variant


def _parse_category_ids(labels: Fields) -> Optional[tuple[int, ...]]:
    if "category_ids" not in labels:
        return None
    return tuple(labels.integers("category_ids", max_items=_MAX_CLASSES, high=_MAX_CATEGORY_ID))


def _parse_files(entries: dict[str, Any]) -> dict[str, FileEntry]:
    files: dict[str, FileEntry] = {}
    for name, entry in entries.items():
        if not _FILE_NAME.fullmatch(name) or name == MANIFEST_FILE:
            raise FieldError(f"files: {name!r} is not a file name that a bundle may hold")
        described = Fields(entry, f"files.{name}")
        sha256 = described.text("sha256")
        if not _SHA256.fullmatch(sha256):
            raise FieldError(f"files.{name}.sha256 must be 64 hexadecimal digits")
        files[name] = FileEntry(sha256, described.integer("size_bytes"))
    for required in (MODEL_FILE, LABELS_FILE):
        if required not in files:
            raise FieldError(f"files.{required} is missing")
    return files


def _parse_input(data: Fields) -> InputContract:
    data.choice("resize", ["stretch"])
    data.choice("interpolation", ["bilinear"])
    dtype = InputType(data.choice("dtype", [item.value for item in InputType]))
    quantization = None
    if "quantization" in data:
        numbers = data.nested("quantization")
        quantization = Quantization(
            numbers.number("scale", low=1e-12), numbers.integer("zero_point", low=-128, high=255)
        )
    if (quantization is None) != (dtype is InputType.FLOAT32):
        raise FieldError("input.quantization must be given for uint8 and int8, and for these alone")
    mean, std = data.numbers("mean", 3), data.numbers("std", 3)
    if 0.0 in std:
        raise FieldError("input.std must not be zero")
    return InputContract(
        height=data.integer("height", low=1, high=8192),
        width=data.integer("width", low=1, high=8192),
        colour_order=ColourOrder(data.choice("colour_order", [item.value for item in ColourOrder])),
        coordinates=Coordinates(data.choice("coordinates", [item.value for item in Coordinates])),
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        dtype=dtype,
        quantization=quantization,
    )


def _parse_output(data: Fields) -> Union[OutputContract, RawHeadsContract]:
    if Decoder(data.choice("decoder", [item.value for item in Decoder])) is Decoder.AGENT:
        return _parse_raw_heads(data)
    output = OutputContract(
        decoder=Decoder.IN_GRAPH,
        boxes=data.integer("boxes", high=3),
        classes=data.integer("classes", high=3),
        scores=data.integer("scores", high=3),
        count=data.integer("count", high=3),
        max_detections=data.integer("max_detections", low=1, high=_MAX_DETECTIONS),
        classes_per_detection=data.integer("classes_per_detection", default=1, low=1, high=_MAX_DETECTIONS),
    )
    if len({output.boxes, output.classes, output.scores, output.count}) != 4:
        raise FieldError("output: boxes, classes, scores and count must be four different outputs")
    return output


def _parse_raw_heads(data: Fields) -> RawHeadsContract:
    scales = data.nested("box_scales")
    y, x, height, width = (scales.number(name, low=1e-6, high=1e6) for name in ("y", "x", "height", "width"))
    output = RawHeadsContract(
        box_encodings=data.integer("box_encodings", high=1),
        class_scores=data.integer("class_scores", high=1),
        box_scales=BoxScales(y, x, height, width),
        nms=NonMaxSuppression(data.choice("nms", [item.value for item in NonMaxSuppression])),
        max_detections=data.integer("max_detections", low=1, high=_MAX_DETECTIONS),
        classes_per_detection=data.integer("classes_per_detection", low=1, high=_MAX_DETECTIONS),
        detections_per_class=data.integer("detections_per_class", low=1, high=_MAX_DETECTIONS),
        score_threshold=data.number("score_threshold", low=0, high=1),
        iou_threshold=data.number("iou_threshold", low=0, high=1),
    )
    if output.box_encodings == output.class_scores:
        raise FieldError("output: box_encodings and class_scores must be two different outputs")
    return output
