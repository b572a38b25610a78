"""The network of a `pipeline.config`: from a prepared picture to box encodings and class predictions."""

from dataclasses import dataclass
from typing import Any

from edgeproof.ssd.anchors.object_detection_api import GridSize
from edgeproof.ssd.checkpoint.box_predictors import predict
from edgeproof.ssd.checkpoint.extractor_config import ExtractorType
from edgeproof.ssd.checkpoint.feature_maps import multi_resolution_maps, pyramid_maps
from edgeproof.ssd.checkpoint.hyperparameters import Hyperparameters
from edgeproof.ssd.checkpoint.layers import Layers, Weights
from edgeproof.ssd.checkpoint.mobilenet_v1 import mobilenet_v1
from edgeproof.ssd.checkpoint.mobilenet_v2 import mobilenet_v2
from edgeproof.ssd.checkpoint.pipeline_config import PipelineConfig
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet


@dataclass(frozen=True)
class Network:
    function: Any
    """A wrapped function of a float32 picture [1, H, W, 3], prepared to -1..1, with the weights as constants. It gives
    box encodings [1, A, 4] and class predictions [1, A, classes], the background first if there is one."""
    grids: list[GridSize]
    """Rows and columns of the feature maps, in the order of the anchors."""


def build_network(config: PipelineConfig, weights: Weights, file: str) -> Network:
    """Raises NotAnSsdError when the parts of the configuration do not fit together."""
    tensorflow = import_tensorflow()
    grids: list[GridSize] = []

    def run(image: Any) -> tuple[Any, Any]:
        feature_maps = _feature_maps(config, weights, image, file)
        grids.extend((x.shape[1], x.shape[2]) for x in feature_maps)
        anchors = config.anchor_generator.anchors_per_location
        columns = config.num_classes + config.has_background
        boxes, predictions = predict(config.box_predictor, weights, feature_maps, anchors, columns, file)
        return boxes, predictions if config.logit_scale == 1 else predictions * (1 / config.logit_scale)

    signature = [tensorflow.TensorSpec((1, config.height, config.width, 3), tensorflow.float32, "image")]
    with quiet():
        return Network(tensorflow.compat.v1.wrap_function(run, signature), grids)


def _feature_maps(config: PipelineConfig, weights: Weights, image: Any, file: str) -> list[Any]:
    extractor = config.feature_extractor
    explicit = extractor.use_explicit_padding
    own = extractor.hyperparameters if extractor.override_base_hyperparameters else Hyperparameters()
    backbone, added = Layers(weights, own, explicit), Layers(weights, extractor.hyperparameters, explicit)
    image = _pad_to_multiple(image, extractor.pad_to_multiple)
    if extractor.type in (ExtractorType.MOBILENET_V1, ExtractorType.MOBILENET_V1_FPN):
        blocks = mobilenet_v1(backbone, image, extractor)
        if extractor.pyramid is None:
            return multi_resolution_maps(added, [blocks[11], blocks[13]], "Conv2d_13_pointwise", extractor)
        return pyramid_maps(added, [blocks[3], blocks[5], blocks[11], blocks[13]], 13, extractor, file)
    features = mobilenet_v2(backbone, image, extractor)
    if extractor.pyramid is None:
        return multi_resolution_maps(added, [features.expansion_13, features.last], "layer_19", extractor)
    levels = [*(features.blocks[number] for number in (2, 5, 12)), features.last]
    return pyramid_maps(added, levels, 19, extractor, file)


def _pad_to_multiple(image: Any, multiple: int) -> Any:
    """Zeros below and to the right, `pad_to_multiple` of the API's utils/ops.py."""
    height, width = (-side % multiple for side in image.shape[1:3])
    if not height and not width:
        return image
    return import_tensorflow().pad(image, [[0, 0], [0, height], [0, width], [0, 0]])
