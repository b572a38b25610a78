"""What a network computes, out of the `pipeline.config` of the Object Detection API, and nothing about its training."""

import enum
from dataclasses import dataclass

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.anchors.object_detection_api import AnchorGenerator
from edgeproof.ssd.checkpoint.anchor_config import read_anchor_generator
from edgeproof.ssd.checkpoint.config_section import Section
from edgeproof.ssd.checkpoint.extractor_config import FeatureExtractor, read_feature_extractor
from edgeproof.ssd.checkpoint.predictor_config import BoxPredictor, read_box_predictor
from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.source_options import ScoreConverter

_TRAINING = (
    "matcher",
    "similarity_calculator",
    "loss",
    "encode_background_as_zeros",
    "negative_class_weight",
    "normalize_loss_by_num_matches",
    "normalize_loc_loss_by_codesize",
    # A network that is exported normalises by its moving averages, however it was trained.
    "freeze_batchnorm",
    "inplace_batchnorm_update",
    "use_confidences_as_targets",
    "implicit_example_weight",
    "return_raw_detections_during_predict",
)
_SUPPRESSION_DETAILS = (
    "max_detections_per_class",
    "max_classes_per_detection",
    "change_coordinate_frame",
    "use_static_shapes",
    "use_partitioned_nms",
    "use_hard_nms",
    "use_cpu_nms",
)


@dataclass(frozen=True)
class PipelineConfig:
    """The values have the names of the protos."""

    num_classes: int
    """Without the background."""
    has_background: bool
    """Whether the network tells a column for the background, first."""
    height: int
    width: int
    feature_extractor: FeatureExtractor
    box_predictor: BoxPredictor
    anchor_generator: AnchorGenerator
    box_scales: BoxScales
    score_converter: ScoreConverter
    logit_scale: float
    suppression: str
    """The configuration's own non-maximum suppression, in words."""


class _ResizeMethod(enum.Enum):
    BILINEAR = 0


class _ScoreConverter(enum.Enum):
    IDENTITY = ScoreConverter.IDENTITY
    SIGMOID = ScoreConverter.SIGMOID
    SOFTMAX = ScoreConverter.SOFTMAX


def read_pipeline_config(config: Section) -> PipelineConfig:
    """`config` is the outermost message, as `config_file` reads it.

    Raises NotAnSsdError when it is no SSD, or holds a setting whose effect is not known here.
    """
    model = config.required_section("model")
    try:
        ssd = model.only_section(["ssd"], "architecture")
    except NotAnSsdError as error:
        raise NotAnSsdError(f"{error} edgeproof exports SSD detectors alone.") from error
    # First, because it may be one that --via-odapi exports.
    feature_extractor = read_feature_extractor(ssd.required_section("feature_extractor"))
    height, width = _read_resizer(ssd)
    background, explicit = ssd.flag("add_background_class", True), ssd.flag("explicit_background_class", False)
    if background and explicit:
        raise ssd.error("add_background_class and explicit_background_class exclude each other")
    classes = ssd.integer("num_classes", 0, least=1) - explicit
    converter, logit_scale, suppression = _read_post_processing(ssd)
    result = PipelineConfig(
        num_classes=classes,
        has_background=background or explicit,
        height=height,
        width=width,
        feature_extractor=feature_extractor,
        box_predictor=read_box_predictor(ssd.required_section("box_predictor")),
        anchor_generator=read_anchor_generator(ssd.required_section("anchor_generator")),
        box_scales=_read_box_scales(ssd.required_section("box_coder")),
        score_converter=converter,
        logit_scale=logit_scale,
        suppression=suppression,
    )
    ssd.finish(_TRAINING)
    return result


def _read_resizer(ssd: Section) -> tuple[int, int]:
    resizers = ssd.required_section("image_resizer")
    if not resizers.has("fixed_shape_resizer"):
        raise resizers.error(
            "pictures are not brought to one fixed size, and a converted network takes one alone. In a copy of the "
            "file, put fixed_shape_resizer { height: ... width: ... } there, with the size of most training pictures"
        )
    resizer = resizers.only_section(["fixed_shape_resizer"], "image_resizer")
    resizer.member("resize_method", _ResizeMethod.BILINEAR)
    if resizer.flag("convert_to_grayscale", False):
        raise resizer.error("convert_to_grayscale is on, and edgeproof prepares pictures in colour alone")
    # models/*_feature_extractor.py check the same least side.
    height, width = resizer.integer("height", 300, least=33), resizer.integer("width", 300, least=33)
    resizer.finish()
    return height, width


def _read_box_scales(section: Section) -> BoxScales:
    coder = section.only_section(["faster_rcnn_box_coder"], "box_coder")
    scales = BoxScales(
        y=coder.number("y_scale", 10.0),
        x=coder.number("x_scale", 10.0),
        height=coder.number("height_scale", 5.0),
        width=coder.number("width_scale", 5.0),
    )
    coder.finish()
    return scales


def _read_post_processing(ssd: Section) -> tuple[ScoreConverter, float, str]:
    section = ssd.required_section("post_processing")
    converter = section.member("score_converter", _ScoreConverter.IDENTITY).value
    logit_scale = section.number("logit_scale", 1.0)
    if logit_scale <= 0:
        raise section.error(f"logit_scale is {logit_scale:g}, expected a number above 0")
    suppression = section.section("batch_non_max_suppression")
    words = "" if suppression is None else _suppression_words(suppression)
    section.finish()
    return converter, logit_scale, words


def _suppression_words(section: Section) -> str:
    """Suppression is a choice of each export; the configuration's is told beside it, not taken over."""
    words = [
        f"IoU {section.number('iou_threshold', 0.6):.6g}",
        f"score {section.number('score_threshold', 0.0):.6g}",
        f"at most {section.integer('max_total_detections', 100)}",
    ]
    for name in ("use_class_agnostic_nms", "use_combined_nms"):
        words += [name] if section.flag(name, False) else []
    if section.number("soft_nms_sigma", 0.0) > 0:
        words.append("soft_nms_sigma")
    section.finish(_SUPPRESSION_DETAILS)
    return ", ".join(words)
