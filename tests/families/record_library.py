"""Runs beside a library of detectors: builds its network, and writes what it predicts and what it decodes by itself.

    record_library.py FAMILY OUT.npz

OUT.npz holds, of one picture and random weights:

    picture   uint8 [H, W, 3] in RGB
    input     float32 [H, W, 3], what the library hands to the network
    boxes     float32 [A, 4], box predictions as the network gives them
    logits    float32 [A, C], class predictions before the library's activation
    anchors   float32 [A, 4] as the library has them
    decoded   float32 [A, 4], the library's own boxes as ymin, xmin, ymax, xmax in pixels
    scores    float32 [A, C], the library's own scores of the classes that are no background

Predictions of random weights are nearly alike, so they are spread out before the library decodes them.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types
from typing import Any

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
CLASSES = 3
_SPREAD = 0.8


def main(family: str, out: str) -> None:
    np.savez(out, **RECORDERS[family]())


def torchvision_ssdlite() -> dict[str, Any]:
    _without_compiled_operators()
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    return _torchvision_ssd(
        ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=CLASSES + 1), 320
    )


def torchvision_ssd300() -> dict[str, Any]:
    _without_compiled_operators()
    from torchvision.models.detection import ssd300_vgg16

    return _torchvision_ssd(ssd300_vgg16(weights=None, weights_backbone=None, num_classes=CLASSES + 1), 300)


def _torchvision_ssd(model: Any, side: int) -> dict[str, Any]:
    import torch

    found = _torchvision(model, side)
    found["scores"] = torch.softmax(torch.tensor(found["logits"]), dim=1)[:, 1:].numpy()
    return found


def torchvision_retinanet() -> dict[str, Any]:
    _without_compiled_operators()
    import torch
    from torchvision.models.detection import retinanet_resnet50_fpn

    model = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=CLASSES, min_size=256, max_size=256)
    found = _torchvision(model, 256)
    found["scores"] = torch.sigmoid(torch.tensor(found["logits"])).numpy()
    return found


def _without_compiled_operators() -> None:
    """Without CUDA the compiled part of torchvision may not load. It has the suppression, which nothing here needs."""
    import torch

    torch.library.register_fake = lambda *_, **__: lambda function: function


def _torchvision(model: Any, side: int) -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    model.eval()
    picture = _picture(side)
    with torch.no_grad():
        images, _ = model.transform([torch.from_numpy(picture).permute(2, 0, 1) / 255])
        features = list(model.backbone(images.tensors).values())
        heads = model.head(features)
        (anchors,) = model.anchor_generator(images, features)
        boxes = torch.tensor(_spread(heads["bbox_regression"][0].numpy()))
        decoded = model.box_coder.decode_single(boxes, anchors)
    return {
        "picture": picture,
        "input": images.tensors[0].permute(1, 2, 0).numpy(),
        "boxes": boxes.numpy(),
        "logits": _spread(heads["cls_logits"][0].numpy()),
        "anchors": anchors.numpy(),
        "decoded": decoded.numpy()[:, [1, 0, 3, 2]],
    }


def keras_cv() -> dict[str, Any]:
    _without("tensorflow_datasets")
    import keras
    import keras_cv as library

    keras.utils.set_random_seed(0)
    backbone = library.models.CSPDarkNetBackbone(
        stackwise_channels=[16, 16, 16, 16],
        stackwise_depth=[1, 1, 1, 1],
        include_rescaling=True,
        input_shape=(64, 64, 3),
    )
    model = library.models.RetinaNet(num_classes=CLASSES, bounding_box_format="yxyx", backbone=backbone)
    picture = _picture(64).astype(np.float32)[None]
    heads = {name: _spread(np.asarray(values)) for name, values in model(picture).items()}
    kept = _KeptBoxes("yxyx")
    model.prediction_decoder = kept
    model.decode_predictions(heads, picture)
    anchors = model.anchor_generator(image_shape=(64, 64, 3)).values()
    return {
        "picture": picture[0].astype(np.uint8),
        "input": picture[0],
        "boxes": heads["box"][0],
        "logits": heads["classification"][0],
        "anchors": np.concatenate([np.asarray(level) for level in anchors]),
        "decoded": kept.boxes[0],
        "scores": _sigmoid(heads["classification"][0]),
    }


def keras_hub() -> dict[str, Any]:
    _without("tensorflow_datasets", "tensorflow_text", "sentencepiece")
    import keras
    import keras_hub as library

    keras.utils.set_random_seed(0)
    features = library.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(64, 64, 3),
    )
    backbone = library.models.RetinaNetBackbone(
        features, min_level=3, max_level=5, use_p5=True, image_shape=(64, 64, 3)
    )
    # As the library's own presets of RetinaNet have it.
    converter = library.layers.RetinaNetImageConverter(
        image_size=(64, 64),
        scale=1 / 255.0 / np.array([0.229, 0.224, 0.225]),
        offset=-np.array([0.485, 0.456, 0.406]) / np.array([0.229, 0.224, 0.225]),
    )
    model = library.models.RetinaNetObjectDetector(backbone=backbone, num_classes=CLASSES, bounding_box_format="yxyx")
    picture = _picture(64)
    prepared = np.asarray(converter(picture[None].astype(np.float32)))
    heads = {name: _spread(np.asarray(values)) for name, values in model(prepared).items()}
    kept = _KeptBoxes("yxyx")
    model.prediction_decoder = kept
    model.decode_predictions(heads, prepared)
    return {
        "picture": picture,
        "input": prepared[0],
        "boxes": heads["bbox_regression"][0],
        "logits": heads["cls_logits"][0],
        "anchors": np.concatenate([np.asarray(level) for level in model.anchor_generator(prepared).values()]),
        "decoded": kept.boxes[0],
        "scores": _sigmoid(heads["cls_logits"][0]),
    }


class _KeptBoxes:
    """Stands in for the suppression of Keras's libraries, which gets the decoded boxes of all anchors."""

    def __init__(self, bounding_box_format: str) -> None:
        self.bounding_box_format = bounding_box_format

    def __call__(self, boxes: Any, scores: Any, **_: Any) -> dict[str, Any]:
        self.boxes = np.asarray(boxes)
        return {"boxes": boxes, "confidence": scores}


def keras_retinanet() -> dict[str, Any]:
    import tensorflow
    from keras_retinanet import backend
    from keras_retinanet.models import retinanet
    from keras_retinanet.utils.anchors import anchors_for_shape
    from keras_retinanet.utils.image import preprocess_image

    tensorflow.keras.utils.set_random_seed(0)
    picture = _picture(64)
    prepared = preprocess_image(picture[:, :, ::-1], "caffe")  # it takes pictures as OpenCV reads them
    pyramid = np.random.default_rng(1).normal(size=(1, 8, 8, 256)).astype(np.float32)
    regression = np.asarray(retinanet.default_regression_model(4, 9)(pyramid))
    classification = retinanet.default_classification_model(CLASSES, 9)(pyramid)
    # The submodel ends in a sigmoid.
    scores = _sigmoid(_spread(np.log(np.asarray(classification) / (1 - np.asarray(classification)))))
    boxes = _spread(regression)
    anchors = anchors_for_shape((64, 64, 3), pyramid_levels=[3]).astype(np.float32)
    decoded = np.asarray(backend.bbox_transform_inv(anchors[None], boxes))
    return {
        "picture": picture,
        "input": prepared,
        "boxes": boxes[0],
        "logits": np.log(scores / (1 - scores))[0],
        "anchors": anchors,
        "decoded": decoded[0][:, [1, 0, 3, 2]],
        "scores": scores[0],
    }


def efficientdet() -> dict[str, Any]:
    return _efficientdet("efficientdet-d0")


def efficientdet_lite() -> dict[str, Any]:
    return _efficientdet("efficientdet-lite0")


def _efficientdet(name: str) -> dict[str, Any]:
    from tensorflow_examples.lite.model_maker.third_party.efficientdet import dataloader, hparams_config
    from tensorflow_examples.lite.model_maker.third_party.efficientdet.keras import anchors as library

    config = hparams_config.get_efficientdet_config(name)
    picture = _picture(128)
    processor = dataloader.DetectionInputProcessor(picture, 128)
    processor.normalize_image(config.mean_rgb, config.stddev_rgb)
    made = library.Anchors(
        config.min_level, config.max_level, config.num_scales, config.aspect_ratios, config.anchor_scale, 128
    )
    anchors = made.boxes.numpy()
    random = np.random.default_rng(2)
    boxes = random.normal(0, _SPREAD, anchors.shape).astype(np.float32)
    logits = random.normal(-2, 2, (len(anchors), CLASSES)).astype(np.float32)
    return {
        "picture": picture,
        "input": processor.image.numpy() if hasattr(processor, "image") else processor._image.numpy(),
        "boxes": boxes,
        "logits": logits,
        "anchors": anchors,
        "decoded": library.decode_box_outputs(boxes[None], anchors[None]).numpy()[0],
        "scores": _sigmoid(logits),
    }


def model_maker() -> dict[str, Any]:
    """In the environment of the Object Detection API, which has the package that Model Maker's detector is made of."""
    import official

    # The package's own __init__ imports what it trains with.
    vision = types.ModuleType("official.vision")
    vision.__path__ = [f"{folder}/vision" for folder in official.__path__]
    sys.modules["official.vision"] = vision
    from official.vision.ops import anchor, box_ops, preprocess_ops

    picture = _picture(64)
    prepared = preprocess_ops.normalize_image(picture.astype(np.float32) / 255, (0.5,), (0.5,))
    levels = anchor.build_anchor_generator(3, 5, 3, [0.5, 1.0, 2.0], 3)((64, 64))
    anchors = np.concatenate([level.numpy().reshape(-1, 4) for level in levels.values()])
    random = np.random.default_rng(3)
    boxes = random.normal(0, _SPREAD, anchors.shape).astype(np.float32)
    logits = random.normal(-2, 2, (len(anchors), CLASSES + 1)).astype(np.float32)
    return {
        "picture": picture,
        "input": prepared.numpy(),
        "boxes": boxes,
        "logits": logits,
        "anchors": anchors,
        "decoded": box_ops.decode_boxes(boxes, anchors).numpy(),
        "scores": _sigmoid(logits)[:, 1:],
    }


def odapi() -> dict[str, Any]:
    import tensorflow
    from object_detection.box_coders.faster_rcnn_box_coder import FasterRcnnBoxCoder
    from object_detection.core.box_list import BoxList

    picture = _picture(64)
    random = np.random.default_rng(4)
    low = random.uniform(0, 40, (50, 2))
    anchors = np.concatenate([low, low + random.uniform(5, 30, (50, 2))], axis=1).astype(np.float32)
    boxes = random.normal(0, 2, anchors.shape).astype(np.float32)
    logits = random.normal(-2, 2, (len(anchors), CLASSES + 1)).astype(np.float32)
    coder = FasterRcnnBoxCoder(scale_factors=(10.0, 10.0, 5.0, 5.0))
    decoded = coder.decode(tensorflow.constant(boxes), BoxList(tensorflow.constant(anchors)))
    return {
        "picture": picture,
        "input": picture.astype(np.float32) * 2 / 255 - 1,
        "boxes": boxes,
        "logits": logits,
        "anchors": anchors,
        "decoded": decoded.get().numpy(),
        "scores": _sigmoid(logits)[:, 1:],
    }


RECORDERS = {
    "torchvision-ssdlite": torchvision_ssdlite,
    "torchvision-ssd300": torchvision_ssd300,
    "torchvision-retinanet": torchvision_retinanet,
    "keras-cv": keras_cv,
    "keras-hub": keras_hub,
    "keras-retinanet": keras_retinanet,
    "efficientdet": efficientdet,
    "efficientdet-lite": efficientdet_lite,
    "model-maker": model_maker,
    "odapi": odapi,
}


def _picture(side: int) -> Any:
    return np.random.default_rng(side).integers(0, 256, (side, side, 3)).astype(np.uint8)


def _spread(values: Any) -> Any:
    return ((values - values.mean()) / max(float(values.std()), 1e-12) * _SPREAD).astype(np.float32)


def _sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-values))


def _without(*names: str) -> None:
    """Modules that the library imports for its data sets and texts alone."""
    for name in names:
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module


if __name__ == "__main__":
    main(*sys.argv[1:])
