"""`bundle.json`, the manifest that makes a bundle explain itself (schema `edgeproof.bundle/1`)."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional, Union

from edgeproof_agent.fields import FieldError, Fields

SCHEMA = "edgeproof.bundle/1"
MANIFEST_FILE = "bundle.json"
MODEL_FILE = "model.tflite"
LABELS_FILE = "labels.txt"
ANCHORS_FILE = "anchors.npy"
"""float32 [A, 4] as centre y, centre x, height, width: in a bundle whose boxes the agent decodes."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_DETECTIONS = 100_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """The manifest is not one of ours, or contradicts itself."""


class ColourOrder(enum.Enum):
    RGB = "rgb"
    BGR = "bgr"


class Coordinates(enum.Enum):
    """How bilinear interpolation maps target pixels to source pixels, in the terms of the ONNX Resize operator."""

    ASYMMETRIC = "asymmetric"
    """`source = target * scale`: TensorFlow 1's `ResizeBilinear`, which TF1 detectors were trained with."""
    HALF_PIXEL = "half_pixel"
    """`source = (target + 0.5) * scale - 0.5`: TensorFlow 2's `tf.image.resize` and OpenCV."""
    ALIGN_CORNERS = "align_corners"
    """The corner pixels of source and target coincide."""


class InputType(enum.Enum):
    FLOAT32 = "float32"
    UINT8 = "uint8"
    INT8 = "int8"


class Decoder(enum.Enum):
    """Where box encodings become detections."""

    IN_GRAPH = "in_graph"
    """The model ends in `TFLite_Detection_PostProcess`; its four outputs are the detections."""
    AGENT = "agent"
    """The model ends in its raw heads; the agent decodes and suppresses."""


class NonMaxSuppression(enum.Enum):
    FAST = "fast"
    """Over all classes at once, by each box's best score."""
    REGULAR = "regular"
    """Class by class."""


@dataclass(frozen=True)
class Quantization:
    """Affine quantization of a tensor: `real = (quantized - zero_point) * scale`."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class InputContract:
    """What the model expects of a picture.

    A picture is resized (both sides stretched) to `height` x `width`, put into `colour_order`, normalised as
    `(pixel - mean) / std` a channel (the convention of the TFLite metadata's NormalizationOptions) and, when
    `quantization` is given, quantized to `dtype`.
    """

    height: int
    width: int
    colour_order: ColourOrder
    coordinates: Coordinates
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    dtype: InputType = InputType.FLOAT32
    quantization: Optional[Quantization] = None

    def as_float(self) -> "InputContract":
        """The same preparation without the quantization: what a representative data set consists of."""
        return replace(self, dtype=InputType.FLOAT32, quantization=None)


@dataclass(frozen=True)
class OutputContract:
    """Which of the model's outputs, by position in the file's list of outputs, means what.

    boxes [1, N, 4] as (ymin, xmin, ymax, xmax) in 0..1; classes [1, N], 0-based without background; scores [1, N];
    count [1]. Only the first `count` * `classes_per_detection` rows hold detections: the rest is uninitialised memory.
    """

    decoder: Decoder
    boxes: int
    classes: int
    scores: int
    count: int
    max_detections: int
    """N: the rows of the outputs."""
    classes_per_detection: int = 1
    """Rows that the operator writes for each box that it counts. Regular non-maximum suppression counts rows."""


@dataclass(frozen=True)
class BoxScales:
    """Divisors of the box encodings ty, tx, th, tw."""

    y: float
    x: float
    height: float
    width: float


@dataclass(frozen=True)
class RawHeadsContract:
    """Which of the model's outputs are its raw heads, and how the agent makes detections of them.

    box encodings [1, A, 4] as ty, tx, th, tw; class scores [1, A, 1 + C] in 0..1, background first; anchors in
    `ANCHORS_FILE`. The settings are the attributes of `TFLite_Detection_PostProcess`, and so are the detections.
    """

    box_encodings: int
    class_scores: int
    box_scales: BoxScales
    nms: NonMaxSuppression
    max_detections: int
    classes_per_detection: int
    """Classes of one box that are told. Fast non-maximum suppression alone uses it."""
    detections_per_class: int
    """Regular non-maximum suppression alone uses it."""
    score_threshold: float
    iou_threshold: float

    @property
    def decoder(self) -> Decoder:
        return Decoder.AGENT


@dataclass(frozen=True)
class FileEntry:
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """A whole `bundle.json`.

    Class index + `label_offset` is the line in labels.txt, class index + `category_offset` the data set's category id.
    """

    name: str
    variant: str
    files: Mapping[str, FileEntry]
    input: InputContract
    output: Union[OutputContract, RawHeadsContract]
    label_offset: int
    category_offset: int
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `bundle.json`."""
        contract = self.input
        return {
            "schema": SCHEMA,
            "name": self.name,
            "variant": self.variant,
            "files": {
                name: {"sha256": entry.sha256, "size_bytes": entry.size_bytes} for name, entry in self.files.items()
            },
            "input": {
                "height": contract.height,
                "width": contract.width,
                "colour_order": contract.colour_order.value,
                "resize": "stretch",
                "interpolation": "bilinear",
                "coordinates": contract.coordinates.value,
                "mean": list(contract.mean),
                "std": list(contract.std),
                "dtype": contract.dtype.value,
                "quantization": None
                if contract.quantization is None
                else {"scale": contract.quantization.scale, "zero_point": contract.quantization.zero_point},
            },
            "output": _output_json(self.output),
            "labels": {"label_offset": self.label_offset, "category_offset": self.category_offset},
            "provenance": dict(self.provenance),
        }


def _output_json(output: Union[OutputContract, RawHeadsContract]) -> dict[str, Any]:
    if isinstance(output, OutputContract):
        return {
            "decoder": output.decoder.value,
            "boxes": output.boxes,
            "classes": output.classes,
            "scores": output.scores,
            "count": output.count,
            "max_detections": output.max_detections,
            "classes_per_detection": output.classes_per_detection,
        }
    scales = output.box_scales
    return {
        "decoder": output.decoder.value,
        "box_encodings": output.box_encodings,
        "class_scores": output.class_scores,
        "box_scales": {"y": scales.y, "x": scales.x, "height": scales.height, "width": scales.width},
        "nms": output.nms.value,
        "max_detections": output.max_detections,
        "classes_per_detection": output.classes_per_detection,
        "detections_per_class": output.detections_per_class,
        "score_threshold": output.score_threshold,
        "iou_threshold": output.iou_threshold,
    }


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
        variant=root.text("variant", max_length=64),
        files=files,
        input=_parse_input(root.nested("input")),
        output=output,
        label_offset=labels.integer("label_offset", high=1),
        category_offset=labels.integer("category_offset", high=2**31),
        provenance=root.mapping("provenance"),
    )


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
