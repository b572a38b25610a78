"""The feature extractor of a `pipeline.config`: which network, how wide, how padded."""

import enum
from dataclasses import dataclass

from edgeproof.errors import UnsupportedArchitectureError
from edgeproof.ssd.checkpoint.config_section import Section
from edgeproof.ssd.checkpoint.hyperparameters import Hyperparameters, read_hyperparameters


class ExtractorType(enum.Enum):
    """`feature_extractor.type` of the networks that edgeproof builds."""

    MOBILENET_V1 = "ssd_mobilenet_v1_keras"
    MOBILENET_V1_FPN = "ssd_mobilenet_v1_fpn_keras"
    MOBILENET_V2 = "ssd_mobilenet_v2_keras"
    MOBILENET_V2_FPN = "ssd_mobilenet_v2_fpn_keras"

    @property
    def has_pyramid(self) -> bool:
        return self in (ExtractorType.MOBILENET_V1_FPN, ExtractorType.MOBILENET_V2_FPN)


@dataclass(frozen=True)
class FeaturePyramid:
    min_level: int = 3
    max_level: int = 7
    depth: int = 256


@dataclass(frozen=True)
class FeatureExtractor:
    type: ExtractorType
    depth_multiplier: float
    min_depth: int
    pad_to_multiple: int
    use_explicit_padding: bool
    use_depthwise: bool
    num_layers: int
    override_base_hyperparameters: bool
    """Whether the backbone takes `hyperparameters` too, or those it was published with."""
    hyperparameters: Hyperparameters
    pyramid: FeaturePyramid | None

    def depth(self, nominal: int) -> int:
        """`get_depth_fn` of models/feature_map_generators.py."""
        return max(int(nominal * self.depth_multiplier), self.min_depth)


def read_feature_extractor(section: Section) -> FeatureExtractor:
    """Raises UnsupportedArchitectureError for a network that edgeproof does not build, NotAnSsdError for a fault."""
    kind, pyramid = _extractor_type(section), section.section("fpn")
    if pyramid is not None and not kind.has_pyramid:
        raise section.error(f"fpn is there, and {kind.value} has no feature pyramid")
    result = FeatureExtractor(
        type=kind,
        depth_multiplier=section.number("depth_multiplier", 1.0),
        min_depth=section.integer("min_depth", 16),
        pad_to_multiple=section.integer("pad_to_multiple", 1, least=1),
        use_explicit_padding=section.flag("use_explicit_padding", False),
        use_depthwise=section.flag("use_depthwise", False),
        num_layers=section.integer("num_layers", 6, least=1),
        override_base_hyperparameters=section.flag("override_base_feature_extractor_hyperparams", False),
        hyperparameters=read_hyperparameters(section.section("conv_hyperparams")),
        pyramid=_read_pyramid(pyramid) if pyramid else FeaturePyramid() if kind.has_pyramid else None,
    )
    if not 0 < result.depth_multiplier <= 16:
        raise section.error(f"depth_multiplier is {result.depth_multiplier:g}")
    section.finish(["replace_preprocessor_with_placeholder"])
    return result


def _extractor_type(section: Section) -> ExtractorType:
    name = section.text("type") or ""
    known = ", ".join(kind.value for kind in ExtractorType)
    if f"{name}_keras" in known.split(", "):
        raise section.error(
            f"{name} is a network of TensorFlow 1. Freeze it there (export_tflite_ssd_graph.py, or "
            "export_inference_graph.py) and give the .pb file; edgeproof builds " + known
        )
    try:
        return ExtractorType(name)
    except ValueError:
        raise UnsupportedArchitectureError(
            f"{section.file}: the feature extractor is {name or 'not stated'}; edgeproof builds {known}. "
            "For another SSD add --via-odapi: the Object Detection API's own exporter then runs first."
        ) from None


def _read_pyramid(section: Section) -> FeaturePyramid:
    low, high = section.integer("min_level", 3, least=2), section.integer("max_level", 7, least=2)
    depth = section.integer("additional_layer_depth", 256, least=1)
    section.finish()
    if not low <= min(high, 5) or high > 10:
        raise section.error(f"levels {low} to {high} are no feature pyramid")
    return FeaturePyramid(low, high, depth)
