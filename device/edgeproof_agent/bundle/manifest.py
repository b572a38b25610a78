"""`bundle.json`, the manifest that makes a bundle explain itself (schema `edgeproof.bundle/1`)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional, Union

SCHEMA = "edgeproof.bundle/1"
MANIFEST_FILE = "bundle.json"
MODEL_FILE = "model.tflite"
LABELS_FILE = "labels.txt"
MAX_LABELS_CHARACTERS = 80_000
"""Of labels.txt: with 12 bytes a character in JSON they fit into the header of the frame that tells them."""
ANCHORS_FILE = "anchors.npy"
"""float32 [A, 4] as centre y, centre x, height, width: in a bundle whose boxes the agent decodes."""


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

    @property
    def max_rows(self) -> int:
        """Detections that a picture can have."""
        return self.max_detections


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

    @property
    def max_rows(self) -> int:
        """Detections that a picture can have."""
        return self.max_detections * (self.classes_per_detection if self.nms is NonMaxSuppression.FAST else 1)


@dataclass(frozen=True)
class FileEntry:
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """A whole `bundle.json`.

    Class index + `label_offset` is the line in labels.txt; `category_id` tells the data set's id of a class.
    """

    name: str
    variant: str
    files: Mapping[str, FileEntry]
    input: InputContract
    output: Union[OutputContract, RawHeadsContract]
    label_offset: int
    category_offset: int
    """Class index + this is the data set's category id, unless `category_ids` are there."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    category_ids: Optional[tuple[int, ...]] = None
    """The category id of each class, where the ids have gaps that the classes have not."""

    def category_id(self, class_index: int) -> int:
        """The data set's id of a class; that by the offset for an index that no class has."""
        if self.category_ids is not None and 0 <= class_index < len(self.category_ids):
            return self.category_ids[class_index]
        return class_index + self.category_offset

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `bundle.json`."""
        contract = self.input
        labels: dict[str, Any] = {"label_offset": self.label_offset, "category_offset": self.category_offset}
        if self.category_ids is not None:
            labels["category_ids"] = list(self.category_ids)
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
            "labels": labels,
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
