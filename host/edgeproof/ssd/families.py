"""What the members of well-known families of detectors have in common: conventions that their authors chose."""

import enum
from dataclasses import fields, replace

from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat, InputRange, ScoreConverter, SourceOptions
from edgeproof_agent.bundle.manifest import ColourOrder


class Family(enum.Enum):
    TORCHVISION_SSD = "torchvision-ssd"
    KERAS_SSD = "keras-ssd"
    KERAS_RETINANET = "keras-retinanet"
    KERAS_CV = "keras-cv"
    MODEL_MAKER = "model-maker"
    EFFICIENTDET = "efficientdet"
    ODAPI = "odapi"


_X_FIRST = CoordinateOrder.XY
_CONVENTIONS = {
    # torchvision/models/detection/_utils.py, BoxCoder with weights 10, 10, 5, 5; ssd.py applies the softmax itself.
    Family.TORCHVISION_SSD: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=_X_FIRST,
        anchor_order=_X_FIRST,
        anchor_format=AnchorFormat.CORNERS,
        box_scales=(10.0, 10.0, 5.0, 5.0),
        usual_converter=ScoreConverter.SOFTMAX,
        background=True,
    ),
    # ssd_keras: variances 0.1, 0.1, 0.2, 0.2.
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
    # keras_cv/models/object_detection/retinanet: BOX_VARIANCE 0.1, 0.1, 0.2, 0.2, pixels as they are.
    Family.KERAS_CV: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=_X_FIRST,
        box_scales=(10.0, 10.0, 5.0, 5.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=False,
        input_range=InputRange.BYTES,
    ),
    # MediaPipe's ObjectDetectorOptions: scales of 1.
    Family.MODEL_MAKER: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=CoordinateOrder.YX,
        box_scales=(1.0, 1.0, 1.0, 1.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=True,
    ),
    # automl/efficientdet: anchors.py (corners in pixels), dataloader.py (means and deviations of ImageNet).
    Family.EFFICIENTDET: SourceOptions(
        box_coder=BoxCoder.CENTRE,
        box_order=CoordinateOrder.YX,
        anchor_format=AnchorFormat.CORNERS,
        anchor_units=AnchorUnits.PIXELS,
        box_scales=(1.0, 1.0, 1.0, 1.0),
        usual_converter=ScoreConverter.SIGMOID,
        background=False,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
    ),
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
