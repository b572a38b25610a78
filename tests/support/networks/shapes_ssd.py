"""The shapes detector: an SSDLite on a small MobileNetV2 with a feature pyramid, its anchors and its losses.

Imported by the training alone: who uses the trained model needs nothing but Keras and the anchors' file.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from edgeproof.sample.shapes import INPUT
from edgeproof.sample.shapes_dataset import CATEGORIES, PICTURE_HEIGHT, PICTURE_WIDTH

INPUT_SIDE = INPUT.height
BOX_SCALES = (10.0, 10.0, 5.0, 5.0)
POSITIVE_IOU, NEGATIVE_IOU = 0.5, 0.4
"""Anchors that overlap a shape by less than the second are background; those between teach nothing."""


@dataclass(frozen=True)
class Level:
    """One feature map that is predicted from."""

    stride: int
    heights: tuple[float, ...]
    """Of its anchors, in 0..1 of the picture."""

    @property
    def cells(self) -> int:
        return INPUT_SIDE // self.stride


LEVELS = (Level(8, (0.24, 0.30)), Level(16, (0.30, 0.38, 0.47)), Level(32, (0.47, 0.56, 0.65)))
# A square in pixels of the picture is not one in 0..1 of its sides.
ANCHOR_ASPECT = PICTURE_HEIGHT / PICTURE_WIDTH


def make_anchors() -> np.ndarray:
    """float32 [1175, 4] as centre y, centre x, height, width in 0..1, in the order of the heads' rows."""
    rows = []
    for level in LEVELS:
        centres = (np.arange(level.cells) + 0.5) / level.cells
        rows += [(y, x, h, h * ANCHOR_ASPECT) for y, x, h in itertools.product(centres, centres, level.heights)]
    return np.array(rows, np.float32)


def build_network() -> keras.Model:
    """Float32 [N, 160, 160, 3] in -1..1 (RGB) to box encodings [N, 1175, 4] and class logits [N, 1175, 5].

    The encodings are ty, tx, th, tw with the scales 10, 10, 5, 5; the first logit is the background's.
    """
    image = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="image")
    x = _conv(image, 16, 3, "stem", stride=2)
    x = _inverted_residual(x, 24, 3, "block1", stride=2)
    x = _inverted_residual(x, 24, 3, "block2")
    x = _inverted_residual(x, 48, 4, "block3", stride=2)
    x = _inverted_residual(x, 48, 4, "block4")
    stride_8 = _inverted_residual(x, 48, 4, "block5")
    x = _inverted_residual(stride_8, 80, 4, "block6", stride=2)
    x = _inverted_residual(x, 80, 3, "block7")
    stride_16 = _inverted_residual(x, 80, 3, "block8")
    x = _inverted_residual(stride_16, 112, 4, "block9", stride=2)
    stride_32 = _inverted_residual(x, 112, 3, "block10")

    boxes, logits = [], []
    above = None
    for level, features in zip(reversed(LEVELS), (stride_32, stride_16, stride_8), strict=True):
        name = f"stride{level.stride}"
        x = _conv(features, 64, 1, f"{name}_lateral", activate=False)
        if above is not None:
            upsampled = layers.Resizing(level.cells, level.cells, "nearest", name=f"{name}_upsample")(above)
            x = layers.Add(name=f"{name}_add")([x, upsampled])
        above = x
        x = _separable(x, 64, f"{name}_pyramid")
        boxes.append(_predictor(x, level, 4, f"{name}_boxes", "zeros"))
        # Most anchors see background; without this the first steps would only learn that.
        prior = np.tile([4.0] + [-4.0] * len(CATEGORIES), len(level.heights))
        logits.append(
            _predictor(x, level, len(CATEGORIES) + 1, f"{name}_classes", keras.initializers.Constant(prior.tolist()))
        )
    outputs = {
        "box_encodings": layers.Concatenate(axis=1, name="box_encodings")(boxes[::-1]),
        "class_logits": layers.Concatenate(axis=1, name="class_logits")(logits[::-1]),
    }
    return keras.Model(image, outputs, name="shapes_network")


def with_scores(network: keras.Model) -> keras.Model:
    """The same network with the scores after sigmoid, `class_scores`, in the place of the logits."""
    boxes, logits = network.output["box_encodings"], network.output["class_logits"]
    scores = layers.Activation("sigmoid", name="class_scores")(logits)
    return keras.Model(network.input, {"box_encodings": boxes, "class_scores": scores}, name="shapes")


def detection_loss(boxes: Any, logits: Any, truth: Any, classes: Any, anchors: Any) -> tuple[Any, Any]:
    """Loss of the class scores and loss of the boxes, each a scalar.

    `boxes` [N, A, 4] and `logits` [N, A, C + 1] are what the network gives; `truth` [N, M, 4] are the shapes' boxes as
    ymin, xmin, ymax, xmax and `classes` int32 [N, M] theirs, -1 where a picture has fewer than M; `anchors` [A, 4].

    A class score is taught to be the IoU of the predicted box, by the quality focal loss (arXiv:2006.04388), so that
    the best placed of several boxes wins the suppression. Boxes are taught by generalised IoU (arXiv:1902.09630) and,
    as in SSD, by smooth L1 of their encodings.
    """
    overlap = pairwise_iou(corners(anchors), truth)  # [N, A, M]
    present = classes >= 0
    overlap = tf.where(present[:, tf.newaxis, :], overlap, -1.0)
    best_shape = tf.argmax(overlap, axis=2, output_type=tf.int32)
    best_iou = tf.reduce_max(overlap, axis=2)
    # Each shape keeps the anchor that fits it best, however badly it fits.
    forced = (overlap >= tf.reduce_max(overlap, axis=1, keepdims=True) - 1e-6) & present[:, tf.newaxis, :]
    is_forced = tf.reduce_any(forced, axis=2)
    best_shape = tf.where(is_forced, tf.argmax(tf.cast(forced, tf.int32), axis=2, output_type=tf.int32), best_shape)
    positive = tf.cast(is_forced | (best_iou >= POSITIVE_IOU), tf.float32)
    counted = tf.maximum(positive, tf.cast(best_iou < NEGATIVE_IOU, tf.float32))
    target_boxes = tf.gather(truth, best_shape, axis=1, batch_dims=1)
    target_class = tf.gather(classes, best_shape, axis=1, batch_dims=1)
    positives = tf.maximum(tf.reduce_sum(positive), 1.0)

    iou, generalised = paired_iou(decode(boxes, anchors), target_boxes)
    quality = tf.stop_gradient(tf.clip_by_value(iou, 0.0, 1.0)) * positive
    wanted = tf.one_hot(target_class + 1, logits.shape[2]) * quality[..., tf.newaxis]
    wanted = tf.concat([1.0 - quality[..., tf.newaxis], wanted[..., 1:]], axis=2)
    difference = tf.abs(wanted - tf.sigmoid(logits))
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits)
    class_loss = tf.reduce_sum(tf.square(difference) * entropy * counted[..., tf.newaxis]) / positives

    distance = tf.abs(boxes - encode(target_boxes, anchors))
    smooth = tf.reduce_sum(tf.where(distance < 1.0, 0.5 * tf.square(distance), distance - 0.5), axis=2)
    box_loss = tf.reduce_sum((2.0 * (1.0 - generalised) + 0.5 * smooth) * positive) / positives
    return class_loss, box_loss


def corners(boxes: Any) -> Any:
    """[..., 4] from centre y, centre x, height, width to ymin, xmin, ymax, xmax."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return tf.concat([centre - size / 2, centre + size / 2], axis=-1)


def decode(boxes: Any, anchors: Any) -> Any:
    """Box encodings [N, A, 4] to ymin, xmin, ymax, xmax; the size is limited so that no loss overflows."""
    scaled = boxes / tf.constant(BOX_SCALES)
    centre = scaled[..., :2] * anchors[:, 2:] + anchors[:, :2]
    size = tf.exp(tf.clip_by_value(scaled[..., 2:], -3.0, 3.0)) * anchors[:, 2:]
    return corners(tf.concat([centre, size], axis=-1))


def encode(boxes: Any, anchors: Any) -> Any:
    """What `decode` undoes: ymin, xmin, ymax, xmax [N, A, 4] to box encodings."""
    size = tf.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    centre = (boxes[..., 2:] + boxes[..., :2]) / 2
    shift = (centre - anchors[:, :2]) / anchors[:, 2:]
    return tf.concat([shift, tf.math.log(size / anchors[:, 2:])], axis=-1) * tf.constant(BOX_SCALES)


def pairwise_iou(first: Any, second: Any) -> Any:
    """IoU of boxes [A, 4] with boxes [N, M, 4], all as ymin, xmin, ymax, xmax: [N, A, M]."""
    return paired_iou(first[tf.newaxis, :, tf.newaxis, :], second[:, tf.newaxis, :, :])[0]


def paired_iou(first: Any, second: Any) -> tuple[Any, Any]:
    """IoU and generalised IoU of boxes [..., 4] as ymin, xmin, ymax, xmax, broadcast against each other."""

    def area(low: Any, high: Any) -> Any:
        side = tf.maximum(high - low, 0.0)
        return side[..., 0] * side[..., 1]

    shared = area(tf.maximum(first[..., :2], second[..., :2]), tf.minimum(first[..., 2:], second[..., 2:]))
    union = area(first[..., :2], first[..., 2:]) + area(second[..., :2], second[..., 2:]) - shared
    hull = area(tf.minimum(first[..., :2], second[..., :2]), tf.maximum(first[..., 2:], second[..., 2:]))
    iou = shared / tf.maximum(union, 1e-9)
    return iou, iou - (hull - union) / tf.maximum(hull, 1e-9)


def _conv(x: Any, channels: int, kernel: int, name: str, stride: int = 1, activate: bool = True) -> Any:
    x = layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    return _normalised(x, name, activate)


def _depthwise(x: Any, name: str, stride: int = 1) -> Any:
    x = layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=f"{name}_depthwise")(x)
    return _normalised(x, name, activate=True)


def _normalised(x: Any, name: str, activate: bool) -> Any:
    # A short memory, because the training is short.
    x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu6")(x) if activate else x


def _separable(x: Any, channels: int, name: str) -> Any:
    return _conv(_depthwise(x, f"{name}_spatial"), channels, 1, name)


def _inverted_residual(x: Any, channels: int, expansion: int, name: str, stride: int = 1) -> Any:
    """MobileNetV2's block (arXiv:1801.04381)."""
    y = _conv(x, x.shape[-1] * expansion, 1, f"{name}_expand")
    y = _depthwise(y, f"{name}_spatial", stride)
    y = _conv(y, channels, 1, f"{name}_project", activate=False)
    if stride == 1 and x.shape[-1] == channels:
        return layers.Add(name=f"{name}_add")([x, y])
    return y


def _predictor(x: Any, level: Level, values: int, name: str, bias: Any) -> Any:
    """SSDLite's predictor: separable, `values` numbers an anchor, as [N, anchors of the level, values]."""
    anchors = len(level.heights)
    x = _separable(x, 64, f"{name}_tower")
    x = layers.Conv2D(
        anchors * values,
        1,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=bias,
        name=f"{name}_predict",
    )(x)
    return layers.Reshape((level.cells**2 * anchors, values), name=f"{name}_rows")(x)
