"""MobileNet V1 as the Object Detection API builds it: models/keras_models/mobilenet_v1.py over Keras' application."""

from typing import Any

from edgeproof.ssd.checkpoint.extractor_config import FeatureExtractor
from edgeproof.ssd.checkpoint.layers import Layers

_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Filters and stride of the depthwise separable blocks."""
_NARROW_BLOCKS = {12: 512, 13: 256}
"""Those of ssd_mobilenet_v1_fpn_keras with use_depthwise."""


def mobilenet_v1(layers: Layers, image: Any, extractor: FeatureExtractor) -> list[Any]:
    """The outputs of the first convolution and of the 13 blocks, after their activation."""
    narrow = extractor.pyramid is not None and extractor.use_depthwise
    x = layers.convolve(image, "conv1", _filters(32, extractor), kernel_size=3, stride=2)
    outputs = [layers.activate(layers.normalise(x, "conv1_bn"))]
    for number, (nominal, stride) in enumerate(_BLOCKS, 1):
        x = layers.convolve_depthwise(outputs[-1], f"conv_dw_{number}", stride=stride)
        x = layers.activate(layers.normalise(x, f"conv_dw_{number}_bn"))
        replaced = _NARROW_BLOCKS.get(number) if narrow else None
        filters = extractor.depth(replaced) if replaced else _filters(nominal, extractor)
        x = layers.convolve(x, f"conv_pw_{number}", filters)
        outputs.append(layers.activate(layers.normalise(x, f"conv_pw_{number}_bn")))
    return outputs


def _filters(nominal: int, extractor: FeatureExtractor) -> int:
    """Keras multiplies, and then the API's own layer once more."""
    return extractor.depth(int(nominal * extractor.depth_multiplier))
