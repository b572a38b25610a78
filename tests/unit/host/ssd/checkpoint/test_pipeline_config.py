"""A pipeline.config is read whole: what it says of the network is taken over, and nothing of that is passed over."""

import re
from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError, UnsupportedArchitectureError
from edgeproof.ssd.anchors.object_detection_api import MultiscaleAnchorGenerator, SsdAnchorGenerator
from edgeproof.ssd.checkpoint.config_file import parse_config, read_config
from edgeproof.ssd.checkpoint.extractor_config import ExtractorType, FeaturePyramid
from edgeproof.ssd.checkpoint.hyperparameters import Activation, BatchNorm, Hyperparameters
from edgeproof.ssd.checkpoint.pipeline_config import PipelineConfig, read_pipeline_config
from edgeproof.ssd.checkpoint.predictor_config import ConvolutionalPredictor, WeightSharedPredictor
from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.source_options import ScoreConverter
from tests.support.networks.odapi_network import NAMES, RecordedNetwork

LEAST = """
model { ssd {
  num_classes: 3
  image_resizer { fixed_shape_resizer { } }
  feature_extractor { type: 'ssd_mobilenet_v2_keras' }
  box_coder { faster_rcnn_box_coder { } }
  box_predictor { convolutional_box_predictor { } }
  anchor_generator { ssd_anchor_generator { aspect_ratios: 1 } }
  post_processing { }
} }
"""


def parse(text: str) -> PipelineConfig:
    return read_pipeline_config(parse_config(text, "pipeline.config"))


def recorded(name: str) -> PipelineConfig:
    return parse(RecordedNetwork(name).config.read_text(encoding="utf-8"))


def test_what_is_not_stated_has_the_default_of_the_protos() -> None:
    config = parse(LEAST)
    assert (config.height, config.width, config.num_classes, config.has_background) == (300, 300, 3, True)
    assert config.box_scales == BoxScales(10, 10, 5, 5)
    assert (config.score_converter, config.logit_scale) == (ScoreConverter.IDENTITY, 1)
    extractor = config.feature_extractor
    assert (extractor.depth_multiplier, extractor.min_depth, extractor.num_layers) == (1, 16, 6)
    flags = (extractor.use_depthwise, extractor.use_explicit_padding, extractor.override_base_hyperparameters)
    assert not any(flags)
    assert extractor.hyperparameters == Hyperparameters(Activation.RELU, None)
    assert config.anchor_generator == SsdAnchorGenerator(
        min_scale=float(np.float32(0.2)), max_scale=float(np.float32(0.95)), aspect_ratios=(1.0,)
    )
    predictor = config.box_predictor
    assert isinstance(predictor, ConvolutionalPredictor)
    assert (predictor.kernel_size, predictor.max_depth, predictor.num_layers_before_predictor) == (1, 0, 0)


def test_a_feature_pyramid_with_shared_heads() -> None:
    config = recorded("mobilenet_v2_fpnlite")
    extractor = config.feature_extractor
    assert extractor.type is ExtractorType.MOBILENET_V2_FPN
    assert extractor.pyramid == FeaturePyramid(3, 7, 64)
    assert extractor.hyperparameters.batch_norm == BatchNorm(epsilon=float(np.float32(0.001)))
    assert config.anchor_generator == MultiscaleAnchorGenerator(3, 7, 4.0, (1.0, 2.0, 0.5), 2)
    predictor = config.box_predictor
    assert isinstance(predictor, WeightSharedPredictor)
    assert (predictor.depth, predictor.num_layers_before_predictor) == (32, 4)
    assert predictor.share_prediction_tower
    assert predictor.use_depthwise
    assert config.suppression == "IoU 0.6, score 1e-08, at most 100"


def test_every_setting_arrives() -> None:
    config = recorded("mobilenet_v2_every_setting")
    extractor, predictor = config.feature_extractor, config.box_predictor
    assert (config.height, config.width, config.logit_scale) == (150, 190, 2.5)
    assert (extractor.num_layers, extractor.pad_to_multiple, extractor.use_explicit_padding) == (5, 32, True)
    norm = BatchNorm(epsilon=float(np.float32(0.01)), scale=False)
    assert extractor.hyperparameters == Hyperparameters(Activation.SWISH, norm)
    assert predictor.box_encodings_clip_range == (-3, 2.5)
    assert predictor.hyperparameters.use_bias, "batch normalisation without a centre leaves it to the convolution"
    generator = config.anchor_generator
    assert isinstance(generator, SsdAnchorGenerator)
    assert generator.strides == ((16, 16), (32, 32), (64, 64), (128, 128), (200, 220))
    assert generator.base_size == pytest.approx((0.9, 1.1))


def test_depths_are_computed_from_32_bits_as_the_api_does() -> None:
    """0.35 is a little less than that in a float: 20 channels become 6, not 7."""
    config = parse(LEAST.replace("_keras'", "_keras' depth_multiplier: 0.35 min_depth: 1"))
    assert config.feature_extractor.depth(20) == 6


@pytest.mark.parametrize(
    ("flags", "classes", "background"),
    [
        ("", 3, True),
        ("add_background_class: false", 3, False),
        ("add_background_class: false explicit_background_class: true", 2, True),
    ],
)
def test_the_background_is_a_column_or_not(flags: str, classes: int, background: bool) -> None:
    config = parse(LEAST.replace("num_classes: 3", f"num_classes: 3 {flags}"))
    assert (config.num_classes, config.has_background) == (classes, background)


def test_training_and_its_settings_may_say_whatever_they_like() -> None:
    training = "train_config { optimizer { something_new { x: 1 } } } graph_rewriter { } eval_config: { a: [1, 2] }"
    inside = "loss { anything { } } matcher { } freeze_batchnorm: true"
    assert parse(LEAST.replace("num_classes", f"{inside} num_classes") + training) == parse(LEAST)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("model {", "model {{", "the name of a field"),
        ("model", "modell", "it has no 'model'"),
        ("ssd {", "faster_rcnn {", "its architecture is faster_rcnn; edgeproof reads ssd"),
        ("num_classes: 3", "", "num_classes is 0, expected 1 or more"),
        ("num_classes: 3", "num_classes: 3 num_classes: 4", "num_classes is there 2 times"),
        ("num_classes: 3", "num_classes: 'three'", "num_classes is 'three', expected a whole number"),
        ("num_classes: 3", "num_classes { }", "num_classes is { ... }, expected a value"),
        ("num_classes: 3", "num_classes: 3 novelty: 1", r"model.ssd: edgeproof does not know novelty.*--via-odapi"),
        ("fixed_shape_resizer { }", "keep_aspect_ratio_resizer { }", "a converted network takes one alone"),
        ("fixed_shape_resizer { }", "fixed_shape_resizer { height: 20 }", "height is 20, expected 33 or more"),
        (
            "fixed_shape_resizer { }",
            "fixed_shape_resizer { resize_method: AREA }",
            "AREA, and edgeproof knows BILINEAR",
        ),
        ("fixed_shape_resizer { }", "fixed_shape_resizer { convert_to_grayscale: true }", "in colour alone"),
        ("_keras'", "_keras' use_depthwise: maybe", "use_depthwise is 'maybe', expected true or false"),
        ("_keras'", "_keras' depth_multiplier: one", "depth_multiplier is 'one', expected a number"),
        ("_keras'", "_keras' depth_multiplier: 0", "depth_multiplier is 0"),
        ("_keras'", "_keras' fpn { }", "has no feature pyramid"),
        ("_keras'", "_keras' conv_hyperparams { group_norm { } }", "does not know group_norm"),
        ("_keras'", "_keras' conv_hyperparams { activation: GELU }", "GELU, and edgeproof knows NONE, RELU, SWISH"),
        ("'ssd_mobilenet_v2_keras'", "'ssd_mobilenet_v2'", "is a network of TensorFlow 1. Freeze it there"),
        ("faster_rcnn_box_coder", "keypoint_box_coder", "its box_coder is keypoint_box_coder"),
        ("convolutional_box_predictor { }", "rfcn_box_predictor { }", "its box_predictor is rfcn_box_predictor"),
        ("convolutional_box_predictor { }", "convolutional_box_predictor { box_code_size: 8 }", "no keypoints"),
        (
            "convolutional_box_predictor { }",
            "convolutional_box_predictor { use_depthwise: true }",
            "exclude each other",
        ),
        ("ssd_anchor_generator { aspect_ratios: 1", "multiscale_anchor_generator {", "gets no anchors"),
        ("aspect_ratios: 1", "aspect_ratios: 0", "must be above 0"),
        ("aspect_ratios: 1", "aspect_ratios: 1 scales: [0.1, 0.2]", "num_layers is 6, and 2 scales are there"),
        ("ssd_anchor_generator {", "flexible_grid_anchor_generator {", "reads ssd_anchor_generator or multiscale"),
        ("ssd_anchor_generator {", "multiscale_anchor_generator { normalize_coordinates: false", "anchors in pixels"),
        ("post_processing { }", "post_processing { calibration_config { } }", "does not know calibration_config"),
        ("post_processing { }", "", "it has no 'post_processing'"),
    ],
)
def test_what_is_wrong_or_unknown_is_named_by_its_place(old: str, new: str, words: str) -> None:
    text = LEAST.replace(old, new, 1)
    assert text != LEAST
    pattern = words if ".*" in words else re.escape(words)
    with pytest.raises(NotAnSsdError, match=rf"^pipeline.config, line \d+: .*{pattern}"):
        parse(text)


def test_another_network_is_named_with_those_that_are_built() -> None:
    with pytest.raises(
        UnsupportedArchitectureError, match=r"ssd_resnet50_v1_fpn_keras; .*v2_fpn_keras\. .*--via-odapi"
    ):
        parse(LEAST.replace("ssd_mobilenet_v2_keras", "ssd_resnet50_v1_fpn_keras"))


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_configurations_are_all_read(name: str) -> None:

    assert recorded(name).num_classes == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "not UTF-8"), (b"a" * (5 << 20), "over 4 MiB"), (None, "no such file")],
)
def test_a_file_that_is_no_configuration_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "pipeline.config").write_bytes(content)
    with pytest.raises(NotAnSsdError, match=rf"pipeline\.config: .*{words}"):
        read_config(tmp_path / "pipeline.config")
