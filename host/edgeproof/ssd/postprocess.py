"""Puts `TFLite_Detection_PostProcess` behind an SSD's heads: box decoding and non-maximum suppression in the graph."""

import math
from dataclasses import dataclass
from typing import Any

from edgeproof.errors import UsageError
from edgeproof.ssd.model import BoxScales, SsdModel
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof.wording.counting import counted

OPERATOR = "TFLite_Detection_PostProcess"
BOXES, CLASSES, SCORES, COUNT = "detection_boxes", "detection_classes", "detection_scores", "num_detections"
BOX_ENCODINGS, CLASS_SCORES = "box_encodings", "class_scores"
IMAGE = "image"


@dataclass(frozen=True)
class PostprocessOptions:
    """Attributes of the operator. The thresholds' defaults are those of the Object Detection API's configurations."""

    max_detections: int = 10
    max_classes_per_detection: int = 1
    detections_per_class: int = 100
    """Used by regular non-maximum suppression alone."""
    score_threshold: float = 1e-8
    iou_threshold: float = 0.6
    use_regular_nms: bool = False
    """Suppress class by class: more exact when classes overlap, and many times slower with a low score threshold."""
    in_graph: bool = True
    """False leaves the raw heads in the graph: the agent then decodes and suppresses, with the same detections."""

    def __post_init__(self) -> None:
        for name, value in (
            ("max-detections", self.max_detections),
            ("classes-per-detection", self.max_classes_per_detection),
            ("detections-per-class", self.detections_per_class),
        ):
            if not 1 <= value <= 10_000:
                raise UsageError(f"--{name} is {value}; it must be between 1 and 10000.")
        if not (math.isfinite(self.score_threshold) and 0 <= self.score_threshold < 1):
            raise UsageError(f"--score-threshold is {self.score_threshold}; it must be at least 0 and below 1.")
        if not (math.isfinite(self.iou_threshold) and 0 < self.iou_threshold <= 1):
            raise UsageError(f"--iou-threshold is {self.iou_threshold}; it must be above 0 and at most 1.")
        if self.use_regular_nms and self.max_classes_per_detection > 1:
            raise UsageError(
                f"--classes-per-detection {self.max_classes_per_detection} goes with --nms fast alone: regular "
                "non-maximum suppression tells a box once for each class that it is kept for."
            )

    @property
    def rows(self) -> int:
        """Rows of the operator's outputs."""
        return self.max_detections * self.max_classes_per_detection

    def require_classes(self, num_classes: int) -> None:
        """Raises UsageError when a box cannot have that many classes: the operator would leave rows unwritten."""
        if self.max_classes_per_detection > num_classes:
            raise UsageError(
                f"--classes-per-detection is {self.max_classes_per_detection}, and the model has "
                f"{counted(num_classes, 'class', 'classes')}. Ask for {num_classes} at the most."
            )


def operator_attributes(
    scales: BoxScales, num_classes: int, options: PostprocessOptions
) -> dict[str, int | bool | float]:
    """By name. Source: tensorflow/lite/kernels/detection_postprocess.cc (`Init`), which reads these attributes."""
    return {
        "max_detections": options.max_detections,
        "max_classes_per_detection": options.max_classes_per_detection,
        "detections_per_class": options.detections_per_class,
        "use_regular_nms": options.use_regular_nms,
        "nms_score_threshold": options.score_threshold,
        "nms_iou_threshold": options.iou_threshold,
        "y_scale": scales.y,
        "x_scale": scales.x,
        "h_scale": scales.height,
        "w_scale": scales.width,
        "num_classes": num_classes,
    }


def composite_signature(model: SsdModel, options: PostprocessOptions) -> str:
    """The text by which the converter knows the function: name and attributes of the operator."""
    attributes = operator_attributes(model.box_scales, model.num_classes, options)
    return " ".join([f'name: "{OPERATOR}"', *(_attribute(name, value) for name, value in attributes.items())])


def detector_module(model: SsdModel, options: PostprocessOptions) -> tuple[Any, Any]:
    """A `tf.Module` of the whole detector that tracks the weights, and its concrete serving function.

    The function takes `image`, float32 [1, H, W, 3], and gives a dict of detection_boxes [1, N, 4], detection_classes
    [1, N], detection_scores [1, N] and num_detections [1]. Run in TensorFlow these are zeros: the body of a composite
    is a dummy that the converter replaces. Without `options.in_graph` the dict holds box_encodings and class_scores.
    """
    tensorflow = import_tensorflow()
    rows = options.rows
    module = tensorflow.Module()
    module.network = model.heads.module

    @tensorflow.function(experimental_implements=composite_signature(model, options))  # type: ignore[untyped-decorator]
    def post_process(box_encodings: Any, class_scores: Any, anchors: Any) -> Any:  # noqa: ARG001
        zeros = tensorflow.zeros
        return zeros([1, rows, 4]), zeros([1, rows]), zeros([1, rows]), zeros([1])

    @tensorflow.function(autograph=False)  # type: ignore[untyped-decorator]
    def detect(image: Any) -> Any:
        box_encodings, class_scores = module.network.heads(image)
        if not options.in_graph:
            return {BOX_ENCODINGS: box_encodings, CLASS_SCORES: class_scores}
        boxes, classes, scores, count = post_process(box_encodings, class_scores, tensorflow.constant(model.anchors))
        return {BOXES: boxes, CLASSES: classes, SCORES: scores, COUNT: count}

    module.detect = detect
    shape = (1, model.input.height, model.input.width, 3)
    return module, detect.get_concrete_function(tensorflow.TensorSpec(shape, tensorflow.float32, IMAGE))


def _attribute(name: str, value: int | bool | float) -> str:
    if isinstance(value, bool):
        text = f"b: {str(value).lower()}"
    elif isinstance(value, int):
        text = f"i: {value}"
    else:
        text = f"f: {value!r}"
    return f'attr {{ key: "{name}" value {{ {text} }} }}'
