"""What the members of well-known families of detectors have in common: conventions that their authors chose."""

import enum
from dataclasses import fields, replace

from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat, InputRange, ScoreConverter, SourceOptions
from edgeproof_agent.bundle.manifest import ColourOrder


class Family(enum.Enum):
    TORCHVISION_SSD = "torchvision-ssd"
    TORCHVISION_SSD300 = "torchvision-ssd300"
    TORCHVISION_SSDLITE = "torchvision-ssdlite"
    TORCHVISION_RETINANET = "torchvision-retinanet"
    KERAS_SSD = "keras-ssd"
    KERAS_RETINANET = "keras-retinanet"
    KERAS_CV = "keras-cv"
    KERAS_HUB = "keras-hub"
    MODEL_MAKER = "model-maker"
    EFFICIENTDET = "efficientdet"
    EFFICIENTDET_LITE = "efficientdet-lite"
    ODAPI = "odapi"


_X_FIRST = CoordinateOrder.XY
_BYTES = 255.0
_IMAGENET_MEAN = (0.485 * _BYTES, 0.456 * _BYTES, 0.406 * _BYTES)
_IMAGENET_STD = (0.229 * _BYTES, 0.224 * _BYTES, 0.225 * _BYTES)

# torchvision/models/detection/_utils.py, BoxCoder with weights 10, 10, 5, 5; ssd.py applies the softmax itself. Its
# SSDs take pixels normalised in different ways: this one leaves them to be said or measured.
_TORCHVISION_SSD = SourceOptions(
    box_coder=BoxCoder.CENTRE,
    box_order=_X_FIRST,
    anchor_order=_X_FIRST,
    anchor_format=AnchorFormat.CORNERS,
    box_scales=(10.0, 10.0, 5.0, 5.0),
    usual_converter=ScoreConverter.SOFTMAX,
    background=True,
)
# automl/efficientdet: anchors.py (corners in pixels, y first), hparams_config.py (means and deviations of ImageNet).
_EFFICIENTDET = SourceOptions(
    box_coder=BoxCoder.CENTRE,
    box_order=CoordinateOrder.YX,
    anchor_order=CoordinateOrder.YX,
    anchor_format=AnchorFormat.CORNERS,
    anchor_units=AnchorUnits.PIXELS,
    box_scales=(1.0, 1.0, 1.0, 1.0),
    usual_converter=ScoreConverter.SIGMOID,
    background=False,
    mean=_IMAGENET_MEAN,
    std=_IMAGENET_STD,
)
_CONVENTIONS = {
    Family.TORCHVISION_SSD: _TORCHVISION_SSD,
    # ssd.py, ssd300_vgg16: image_mean in 0..1, image_std 1/255.
    Family.TORCHVISION_SSD300: replace(
        _TORCHVISION_SSD,
        anchor_units=AnchorUnits.PIXELS,
        mean=(0.48235 * _BYTES, 0.45882 * _BYTES, 0.40784 * _BYTES),
        std=(1.0, 1.0, 1.0),
    ),
    # ssdlite.py, ssdlite320_mobilenet_v3_large: image_mean and image_std 0.5.
    Family.TORCHVISION_SSDLITE: replace(
        _TORCHVISION_SSD, anchor_units=AnchorUnits.PIXELS, input_range=InputRange.MINUS_ONE_TO_ONE
    ),
    # retinanet.py: BoxCoder with weights of 1, sigmoid in `postprocess_detections`.
    Family.TORCHVISION_RETINANET: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=_X_FIRST,
        anchor_order=_X_FIRST,
        anchor_format=AnchorFormat.CORNERS,
        anchor_units=AnchorUnits.PIXELS,
        box_scales=(1.0, 1.0, 1.0, 1.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=False,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    ),
    # pierluigiferrari/ssd_keras: variances 0.1, 0.1, 0.2, 0.2.
    Family.KERAS_SSD: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=_X_FIRST,
        anchor_order=_X_FIRST,
        anchor_format=AnchorFormat.CENTRE,
        box_scales=(10.0, 10.0, 5.0, 5.0),
        usual_converter=ScoreConverter.SOFTMAX,
        background=True,
    ),
    # keras_retinanet/utils/anchors.py (std 0.2) and utils/image.py ("caffe": BGR minus the means of ImageNet).
    Family.KERAS_RETINANET: SourceOptions(
        box_coder=BoxCoder.LINEAR_CORNERS,
        box_order=_X_FIRST,
        anchor_order=_X_FIRST,
        anchor_format=AnchorFormat.CORNERS,
        anchor_units=AnchorUnits.PIXELS,
        box_scales=(5.0, 5.0, 5.0, 5.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=False,
        colour_order=ColourOrder.BGR,
        mean=(103.939, 116.779, 123.68),
        std=(1.0, 1.0, 1.0),
    ),
    # keras_cv/src/models/object_detection/retinanet: BOX_VARIANCE 0.1, 0.1, 0.2, 0.2 of "center_yxhw" (converters.py),
    # anchors in its "yxyx". Its backbones scale the pixels themselves.
    Family.KERAS_CV: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=CoordinateOrder.YX,
        box_scales=(10.0, 10.0, 5.0, 5.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=False,
        input_range=InputRange.BYTES,
    ),
    # keras_hub/src/models/retinanet: "center_xywh" without variances. Its converter, before the network, normalises.
    Family.KERAS_HUB: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=_X_FIRST,
        box_scales=(1.0, 1.0, 1.0, 1.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=False,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    ),
    # mediapipe_model_maker/python/vision/object_detector: object_detector.py (scales of 1), model_spec.py (0.5).
    Family.MODEL_MAKER: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=CoordinateOrder.YX,
        box_scales=(1.0, 1.0, 1.0, 1.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=True,
        input_range=InputRange.MINUS_ONE_TO_ONE,
    ),
    Family.EFFICIENTDET: _EFFICIENTDET,
    # hparams_config.py, lite_common: mean 127, standard deviation 128.
    Family.EFFICIENTDET_LITE: replace(_EFFICIENTDET, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    Family.ODAPI: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=CoordinateOrder.YX,
        box_scales=(10.0, 10.0, 5.0, 5.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=True,
    ),
}


def with_family(options: SourceOptions, family: Family) -> SourceOptions:
    """What was said, and what the family is known for where nothing was."""
    usual = _CONVENTIONS[family]
    said_input = options.input_range is not None or options.mean is not None
    skipped = {"input_range", "mean", "std"} if said_input else set()
    if options.background_last:
        skipped.add("background")
    missing = {
        item.name: getattr(usual, item.name)
        for item in fields(options)
        if getattr(options, item.name) is None and item.name not in skipped
    }
    return replace(options, **missing)
