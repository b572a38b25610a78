"""A network with one output that holds all there is: scores, box predictions, anchors and variances, side by side.

Sources: pierluigiferrari/ssd_keras, keras_layers/keras_layer_AnchorBoxes.py and models/keras_ssd300.py
(`predictions`): classes, 4 offsets as x, y, width, height, 4 of the anchor as a centre and sides, 4 variances.
rykov8/ssd_keras, ssd.py (`predictions`): the 4 offsets, classes, 4 of the anchor as corners, 4 variances.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.conventions import CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.head_roles import Outputs
from edgeproof.ssd.source_options import AnchorFormat, ScoreConverter, SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow

_BESIDE = 12
"""Columns that are no scores."""
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class JoinedOutput:
    name: str
    classes: int
    """Columns of scores, with the background."""
    boxes_first: bool
    """Whether the box predictions stand before the scores."""
    anchors: npt.NDArray[np.float32]
    """[A, 4] as the network gives them."""
    variances: tuple[float, float, float, float]
    """In the order of the box predictions."""
    activation: ScoreConverter | None
    """By the values: softmax when each anchor's add up to 1, sigmoid when they lie in 0..1, None for logits."""


def find_joined_output(outputs: Outputs, others: Outputs) -> JoinedOutput | None:
    """`others` are the outputs for another picture: anchors and variances stay. None when it is no such network."""
    if len(outputs) != 1:
        return None
    ((name, values),) = outputs.items()
    if values.ndim != 3 or values.shape[0] != 1 or values.shape[2] < _BESIDE + 2:
        return None
    classes = values.shape[2] - _BESIDE
    fixed = values[0, :, classes + 4 :]
    variances = fixed[:, 4:]
    same = np.array_equal(fixed, others[name][0, :, classes + 4 :]) and bool((variances == variances[0]).all())
    if not same or not (variances[0] > 0).all():
        return None
    first, second, third, fourth = (float(value) for value in variances[0])
    scores, behind = values[0, :, :classes], values[0, :, 4 : classes + 4]
    # The scores of an anchor add up to 1 in one of the two places.
    boxes_first = _activation(behind) is ScoreConverter.SOFTMAX is not _activation(scores)
    activation = _activation(behind if boxes_first else scores)
    return JoinedOutput(name, classes, boxes_first, fixed[:, :4], (first, second, third, fourth), activation)


def _activation(scores: npt.NDArray[np.float32]) -> ScoreConverter | None:
    if scores.min() < 0 or scores.max() > 1:
        return None
    softmax = np.abs(scores.sum(axis=1) - 1).max() < _SUM_TOLERANCE
    return ScoreConverter.SOFTMAX if softmax else ScoreConverter.SIGMOID


SCORES, BOXES, ANCHORS = "scores", "boxes", "anchors"


def split(network: Any, joined: JoinedOutput) -> Any:
    """The function of `cut_network` with three outputs instead of one: `SCORES`, `BOXES` and `ANCHORS`."""
    tensorflow = import_tensorflow()
    end = joined.classes + 4

    def parts(image: Any) -> Any:
        (values,) = network(image)
        if joined.boxes_first:
            return values[:, :, 4:end], values[:, :, :4], values[:, :, end : end + 4]
        return values[:, :, : end - 4], values[:, :, end - 4 : end], values[:, :, end : end + 4]

    spec = tensorflow.TensorSpec(network.inputs[0].shape, tensorflow.float32, "image")
    return tensorflow.compat.v1.wrap_function(parts, [spec])


def with_joined(options: SourceOptions, joined: JoinedOutput) -> SourceOptions:
    """What was said, and what such networks are known for where nothing was."""
    said = options.box_scales
    if joined.boxes_first and options.anchor_format is None:
        options = replace(options, anchor_format=AnchorFormat.CORNERS)
    options = with_family(options, Family.KERAS_SSD)
    if options.box_order is CoordinateOrder.XY:
        x, y, width, height = joined.variances
    else:
        y, x, height, width = joined.variances
    scales = tuple(float(f"{1 / variance:.6g}") for variance in (y, x, height, width))
    of_variances = scales[0], scales[1], scales[2], scales[3]
    return replace(options, box_scales=said or of_variances, boxes=None, scores=None)
