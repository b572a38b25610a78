"""MobileNet V2 as the Object Detection API builds it: models/keras_models/mobilenet_v2.py over Keras' application."""

from dataclasses import dataclass
from typing import Any

from edgeproof.ssd.checkpoint.extractor_config import FeatureExtractor
from edgeproof.ssd.checkpoint.layers import Layers

_EXPANSION = 6
_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""Filters, inverted residual blocks, and the stride of the first."""
_EXPANDED_BLOCK = 13


@dataclass(frozen=True)
class MobileNetV2Features:
    blocks: list[Any]
    """Outputs of the 17 inverted residual blocks."""
    expansion_13: Any
    """Block 13 before its depthwise convolution: the last of stride 16."""
    last: Any


def mobilenet_v2(layers: Layers, image: Any, extractor: FeatureExtractor) -> MobileNetV2Features:
    x = layers.convolve(image, "Conv1", _filters(32, extractor), kernel_size=3, stride=2)
    x = layers.activate(layers.normalise(x, "bn_Conv1"))
    blocks: list[Any] = []
    expansion_13 = None
    for nominal, count, first_stride in _STAGES:
        for repeat in range(count):
            number, stride = len(blocks), first_stride if repeat == 0 else 1
            x, expanded = _inverted_residual(layers, x, number, nominal, stride, extractor)
            blocks.append(x)
            expansion_13 = expanded if number == _EXPANDED_BLOCK else expansion_13
    # The API narrows this layer with the others, but does not widen it.
    alpha = min(extractor.depth_multiplier, 1.0)
    last = layers.convolve(x, "Conv_1", max(_divisible(1280 * alpha), extractor.min_depth))
    return MobileNetV2Features(blocks, expansion_13, layers.activate(layers.normalise(last, "Conv_1_bn")))


def _inverted_residual(
    layers: Layers, inputs: Any, number: int, nominal: int, stride: int, extractor: FeatureExtractor
) -> tuple[Any, Any]:
    """The block's output, and what its depthwise convolution takes."""
    prefix = f"block_{number}_" if number else "expanded_conv_"
    channels, x = inputs.shape[-1], inputs
    if number:
        x = layers.convolve(x, f"{prefix}expand", _EXPANSION * channels)
        x = layers.activate(layers.normalise(x, f"{prefix}expand_BN"))
    expanded = x
    x = layers.convolve_depthwise(x, f"{prefix}depthwise", stride=stride)
    x = layers.activate(layers.normalise(x, f"{prefix}depthwise_BN"))
    filters = _divisible(int(nominal * extractor.depth_multiplier))
    x = layers.convolve(x, f"{prefix}project", max(filters, extractor.min_depth))
    x = layers.normalise(x, f"{prefix}project_BN")
    # Keras decides by the filters before the API raises them to min_depth.
    return (inputs + x if stride == 1 and channels == filters else x), expanded


def _filters(nominal: int, extractor: FeatureExtractor) -> int:
    return max(_divisible(nominal * extractor.depth_multiplier), extractor.min_depth)


def _divisible(filters: float, divisor: int = 8) -> int:
    """`_make_divisible` of Keras' applications: a multiple of 8 that is not over a tenth below."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded
