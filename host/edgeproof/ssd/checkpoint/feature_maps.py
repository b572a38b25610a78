"""What lies between a backbone and the heads: models/feature_map_generators.py of the Object Detection API."""

from collections.abc import Sequence
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.checkpoint.extractor_config import FeatureExtractor, FeaturePyramid
from edgeproof.ssd.checkpoint.layers import Layers
from edgeproof.ssd.tensorflow_import import import_tensorflow

_DEPTHS = (512, 256, 256, 128)
"""Of the feature maps that are added to a backbone's two."""
_BACKBONE_LEVELS = (2, 5)


def multi_resolution_maps(
    layers: Layers, backbone: Sequence[Any], last_layer: str, extractor: FeatureExtractor
) -> list[Any]:
    """`KerasMultiResolutionFeatureMaps`: each added map halves the one before.

    `last_layer` begins the names of the layers.
    """
    maps, use_bias = list(backbone), layers.hyperparameters.use_bias
    for index, nominal in enumerate(_DEPTHS[: max(extractor.num_layers - len(maps), 0)], len(maps)):
        narrow, depth = extractor.depth(nominal // 2), extractor.depth(nominal)
        name = f"{last_layer}_1_Conv2d_{index}_1x1_{narrow}"
        x = layers.convolve(maps[-1], f"{name}_conv", narrow, use_bias=use_bias)
        x = layers.activate(layers.normalise(x, f"{name}_batchnorm"))
        name = f"{last_layer}_2_Conv2d_{index}_3x3_s2_{depth}"
        if extractor.use_depthwise:
            x = layers.convolve_depthwise(x, f"{name}_depthwise_conv", stride=2, use_bias=use_bias)
            x = layers.activate(layers.normalise(x, f"{name}_depthwise_batchnorm"))
            x = layers.convolve(x, f"{name}_conv", depth, use_bias=use_bias)
        else:
            x = layers.convolve(x, f"{name}_conv", depth, kernel_size=3, stride=2, use_bias=use_bias)
        maps.append(layers.activate(layers.normalise(x, f"{name}_batchnorm")))
    return maps[: extractor.num_layers]


def pyramid_maps(
    layers: Layers, backbone: Sequence[Any], num_backbone_layers: int, extractor: FeatureExtractor, file: str
) -> list[Any]:
    """`KerasFpnTopDownFeatureMaps` and the coarse maps after it, finest first.

    `backbone` are the maps of levels 2 to 5; the coarse layers' names go on after `num_backbone_layers`.
    """
    pyramid = extractor.pyramid or FeaturePyramid()
    depth = extractor.depth(pyramid.depth)
    top = min(pyramid.max_level, _BACKBONE_LEVELS[1])
    # As in the API, a pyramid that ends below level 5 still takes the backbone's last maps.
    levels = list(backbone)[-(top + 1 - pyramid.min_level) :]
    maps = [layers.convolve(levels[-1], f"projection_{len(levels)}", depth, use_bias=True)]
    for level in reversed(range(len(levels) - 1)):
        residual = layers.convolve(levels[level], f"projection_{level + 1}", depth, use_bias=True)
        upsampled = _upsample(maps[0])
        if extractor.use_explicit_padding:
            upsampled = upsampled[:, : residual.shape[1], : residual.shape[2], :]
        if upsampled.shape != residual.shape:
            raise NotAnSsdError(
                f"{file}: the levels of the feature pyramid do not fit on each other: {_size(maps[0])} is not half of "
                f"{_size(residual)}. Height and width of the pictures must be multiples of {2**top}."
            )
        maps.insert(0, _block(layers, upsampled + residual, f"smoothing_{level + 1}", depth, 1, extractor))
    for number in range(1, pyramid.max_level - top + 1):
        name = f"bottom_up_Conv2d_{num_backbone_layers + number}"
        maps.append(_block(layers, maps[-1], name, depth, 2, extractor))
    return maps


def _block(layers: Layers, x: Any, name: str, depth: int, stride: int, extractor: FeatureExtractor) -> Any:
    """`create_conv_block`."""
    use_bias = layers.hyperparameters.use_bias
    if extractor.use_depthwise:
        x = layers.convolve_separable(x, f"{name}_depthwise_conv", depth, stride=stride, use_bias=use_bias)
    else:
        x = layers.convolve(x, f"{name}_conv", depth, kernel_size=3, stride=stride, use_bias=use_bias)
    return layers.activate(layers.normalise(x, f"{name}_batchnorm"))


def _upsample(x: Any) -> Any:
    """By repetition. One operation, which TFLite has in int8 too; the API stacks and reshapes to the same numbers."""
    tensorflow = import_tensorflow()
    return tensorflow.raw_ops.ResizeNearestNeighbor(images=x, size=[2 * x.shape[1], 2 * x.shape[2]])


def _size(x: Any) -> str:
    return f"{x.shape[1]} x {x.shape[2]}"
