"""The two kinds of box predictors of an SSD in a `pipeline.config`."""

import enum
from dataclasses import dataclass

from edgeproof.ssd.checkpoint.config_section import Section
from edgeproof.ssd.checkpoint.hyperparameters import Hyperparameters, read_hyperparameters
from edgeproof.ssd.source_options import ScoreConverter

_TRAINING = ("use_dropout", "dropout_keep_probability", "class_prediction_bias_init")
_BOX_CODE = 4


class _ScoreConverter(enum.Enum):
    IDENTITY = ScoreConverter.IDENTITY
    SIGMOID = ScoreConverter.SIGMOID


@dataclass(frozen=True)
class PredictionHead:
    """What both kinds have. The values have the names of the proto, box_predictor.proto."""

    hyperparameters: Hyperparameters
    num_layers_before_predictor: int
    kernel_size: int
    use_depthwise: bool
    box_encodings_clip_range: tuple[float, float] | None


@dataclass(frozen=True)
class ConvolutionalPredictor(PredictionHead):
    """A head of its own for each feature map."""

    min_depth: int
    max_depth: int


@dataclass(frozen=True)
class WeightSharedPredictor(PredictionHead):
    """One head for all feature maps, behind towers that share their convolutions but not their normalisation."""

    depth: int
    share_prediction_tower: bool
    score_converter: ScoreConverter
    """Applied in the head, before the post-processing's."""


BoxPredictor = ConvolutionalPredictor | WeightSharedPredictor


def read_box_predictor(section: Section) -> BoxPredictor:
    """Raises NotAnSsdError when it is of another kind, or cannot be."""
    known = ["convolutional_box_predictor", "weight_shared_convolutional_box_predictor"]
    chosen = section.only_section(known, "box_predictor")
    predictor = _convolutional(chosen) if chosen.path.endswith(f".{known[0]}") else _weight_shared(chosen)
    if chosen.integer("box_code_size", _BOX_CODE) != _BOX_CODE:
        raise chosen.error(f"box_code_size is not {_BOX_CODE}: the post-processing decodes boxes alone, no keypoints")
    if predictor.use_depthwise and predictor.kernel_size == 1:
        raise chosen.error("use_depthwise and a kernel_size of 1 exclude each other")
    return predictor


def _convolutional(section: Section) -> ConvolutionalPredictor:
    result = ConvolutionalPredictor(
        **vars(_head(section, kernel_size=1)),
        min_depth=section.integer("min_depth", 0),
        max_depth=section.integer("max_depth", 0),
    )
    # The predictors of TensorFlow 2 do not look at apply_sigmoid_to_scores.
    section.finish([*_TRAINING, "box_code_size", "apply_sigmoid_to_scores"])
    return result


def _weight_shared(section: Section) -> WeightSharedPredictor:
    result = WeightSharedPredictor(
        **vars(_head(section, kernel_size=3)),
        depth=section.integer("depth", 0),
        share_prediction_tower=section.flag("share_prediction_tower", False),
        score_converter=section.member("score_converter", _ScoreConverter.IDENTITY).value,
    )
    # Both only say what initialises and regularises the weights.
    irrelevant = ["apply_conv_hyperparams_to_heads", "apply_conv_hyperparams_pointwise"]
    section.finish([*_TRAINING, *irrelevant, "box_code_size"])
    return result


def _head(section: Section, kernel_size: int) -> PredictionHead:
    clip = section.section("box_encodings_clip_range")
    return PredictionHead(
        hyperparameters=read_hyperparameters(section.section("conv_hyperparams")),
        num_layers_before_predictor=section.integer("num_layers_before_predictor", 0),
        kernel_size=section.integer("kernel_size", kernel_size, least=1),
        use_depthwise=section.flag("use_depthwise", False),
        box_encodings_clip_range=None if clip is None else _clip_range(clip),
    )


def _clip_range(section: Section) -> tuple[float, float]:
    low, high = section.number("min", 0.0), section.number("max", 0.0)
    section.finish()
    if low >= high:
        raise section.error(f"min is {low:g} and max {high:g}")
    return low, high
