"""The heads: predictors/convolutional_keras_box_predictor.py and predictors/heads of the Object Detection API."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.checkpoint.layers import Layers, Weights
from edgeproof.ssd.checkpoint.predictor_config import BoxPredictor, ConvolutionalPredictor, WeightSharedPredictor
from edgeproof.ssd.source_options import ScoreConverter
from edgeproof.ssd.tensorflow_import import import_tensorflow

_BOX, _CLASS = "BoxEncodingPredictor", "ClassPredictor"
_Step = Callable[[Any], Any]


def predict(
    predictor: BoxPredictor,
    weights: Weights,
    feature_maps: Sequence[Any],
    anchors_per_location: Sequence[int],
    class_columns: int,
    file: str,
) -> tuple[Any, Any]:
    """Box encodings [1, A, 4] and class predictions [1, A, class_columns], feature map by feature map."""
    tensorflow = import_tensorflow()
    if len(feature_maps) != len(anchors_per_location):
        raise NotAnSsdError(
            f"{file}: the network has {len(feature_maps)} feature maps, and its anchor generator is for "
            f"{len(anchors_per_location)}. Give the pipeline.config that the model was trained with."
        )
    if isinstance(predictor, ConvolutionalPredictor):
        boxes, classes = _convolutional(predictor, weights, feature_maps, anchors_per_location, class_columns)
    else:
        boxes, classes = _weight_shared(predictor, weights, feature_maps, anchors_per_location, class_columns, file)
    boxes = tensorflow.concat([tensorflow.reshape(item, [1, -1, 4]) for item in boxes], axis=1)
    if predictor.box_encodings_clip_range is not None:
        boxes = tensorflow.clip_by_value(boxes, *predictor.box_encodings_clip_range)
    return boxes, tensorflow.concat([tensorflow.reshape(item, [1, -1, class_columns]) for item in classes], axis=1)


def _convolutional(
    predictor: ConvolutionalPredictor,
    weights: Weights,
    feature_maps: Sequence[Any],
    anchors_per_location: Sequence[int],
    class_columns: int,
) -> tuple[list[Any], list[Any]]:
    layers = Layers(weights, predictor.hyperparameters)
    use_bias = predictor.hyperparameters.use_bias

    def head(x: Any, name: str, filters: int) -> Any:
        if not predictor.use_depthwise:
            return layers.convolve(x, name, filters, predictor.kernel_size, use_bias=True)
        x = layers.convolve_depthwise(x, f"{name}_depthwise", predictor.kernel_size, use_bias=use_bias)
        x = layers.activate(layers.normalise(x, f"{name}_depthwise_batchnorm"))
        return layers.convolve(x, name, filters, use_bias=True)

    boxes, classes = [], []
    for index, (feature_map, anchors) in enumerate(zip(feature_maps, anchors_per_location, strict=True)):
        x = feature_map
        depth = max(min(x.shape[-1], predictor.max_depth), predictor.min_depth)
        for number in range(predictor.num_layers_before_predictor if depth else 0):
            name = f"SharedConvolutions_{index}/Conv2d_{number}_1x1_{depth}"
            x = layers.convolve(x, name, depth, use_bias=use_bias)
            x = layers.activate(layers.normalise(x, f"{name}_norm"))
        boxes.append(head(x, f"ConvolutionalBoxHead_{index}/{_BOX}", anchors * 4))
        classes.append(head(x, f"ConvolutionalClassHead_{index}/{_CLASS}", anchors * class_columns))
    return boxes, classes


def _weight_shared(
    predictor: WeightSharedPredictor,
    weights: Weights,
    feature_maps: Sequence[Any],
    anchors_per_location: Sequence[int],
    class_columns: int,
    file: str,
) -> tuple[list[Any], list[Any]]:
    if len(set(anchors_per_location)) != 1:
        raise NotAnSsdError(
            f"{file}: the box predictor shares its weights, but the feature maps have "
            f"{', '.join(map(str, anchors_per_location))} anchors at a place: they must be as many everywhere."
        )
    hyperparameters = predictor.hyperparameters
    normalised = hyperparameters.batch_norm is not None and not hyperparameters.batch_norm.synchronised
    if not normalised:
        hyperparameters = replace(hyperparameters, batch_norm=None)
    use_bias = hyperparameters.force_use_bias or not normalised
    layers = Layers(weights, hyperparameters)

    def convolve(x: Any, name: str, filters: int, use_bias: bool) -> Any:
        kind = layers.convolve_separable if predictor.use_depthwise else layers.convolve
        return kind(x, name, filters, predictor.kernel_size, use_bias=use_bias)

    def tower(x: Any, scope: str, index: int) -> Any:
        for number in range(predictor.num_layers_before_predictor):
            name = f"{scope}/conv2d_{number}"
            x = convolve(x, name, predictor.depth, use_bias)
            x = layers.activate(layers.normalise(x, f"{name}/BatchNorm/feature_{index}"))
        return x

    anchors = anchors_per_location[0]
    boxes, classes = [], []
    for index, x in enumerate(_alike(layers, feature_maps, use_bias)):
        shared = predictor.share_prediction_tower
        box_features = tower(x, "PredictionTower" if shared else "BoxPredictionTower", index)
        class_features = box_features if shared else tower(x, "ClassPredictionTower", index)
        boxes.append(convolve(box_features, "WeightSharedConvolutionalBoxHead/BoxPredictor", anchors * 4, True))
        name = f"WeightSharedConvolutionalClassHead/{_CLASS}"
        classes.append(convolve(class_features, name, anchors * class_columns, True))
    if predictor.score_converter is ScoreConverter.SIGMOID:
        classes = [import_tensorflow().sigmoid(item) for item in classes]
    return boxes, classes


def _alike(layers: Layers, feature_maps: Sequence[Any], use_bias: bool) -> list[Any]:
    """Feature maps of as many channels as most of them have; the API projects all when one differs."""
    channels = [x.shape[-1] for x in feature_maps]
    if len(set(channels)) == 1:
        return list(feature_maps)
    # In these words because a tie is decided by the order of the set.
    target = max(set(channels), key=channels.count)
    projected = []
    for index, x in enumerate(feature_maps):
        name = f"ProjectionLayer/conv2d_{index}"
        x = layers.convolve(x, name, target, use_bias=use_bias)
        projected.append(layers.normalise(x, f"{name}/BatchNorm"))
    return projected
