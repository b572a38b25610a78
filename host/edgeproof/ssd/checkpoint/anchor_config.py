"""The anchor generator of a `pipeline.config`."""

from edgeproof.ssd.anchors.object_detection_api import (
    AnchorGenerator,
    MultiscaleAnchorGenerator,
    SsdAnchorGenerator,
)
from edgeproof.ssd.checkpoint.config_section import Section


def read_anchor_generator(section: Section) -> AnchorGenerator:
    """Raises NotAnSsdError when it is of another kind, or gives a feature map no anchors."""
    chosen = section.only_section(["ssd_anchor_generator", "multiscale_anchor_generator"], "anchor_generator")
    is_ssd = chosen.path.endswith("ssd_anchor_generator")
    generator = _read_ssd_anchors(chosen) if is_ssd else _read_multiscale_anchors(chosen)
    chosen.finish()
    if min(generator.anchors_per_location, default=0) < 1:
        raise chosen.error("a feature map gets no anchors; aspect_ratios are missing")
    return generator


def _read_ssd_anchors(section: Section) -> SsdAnchorGenerator:
    strides = _pairs(section, "height_stride", "width_stride")
    result = SsdAnchorGenerator(
        num_layers=section.integer("num_layers", 6, least=1),
        min_scale=section.number("min_scale", 0.2),
        max_scale=section.number("max_scale", 0.95),
        scales=section.numbers("scales"),
        aspect_ratios=section.numbers("aspect_ratios"),
        interpolated_scale_aspect_ratio=section.number("interpolated_scale_aspect_ratio", 1.0),
        reduce_boxes_in_lowest_layer=section.flag("reduce_boxes_in_lowest_layer", True),
        base_size=(section.number("base_anchor_height", 1.0), section.number("base_anchor_width", 1.0)),
        strides=strides,
        offsets=_pairs(section, "height_offset", "width_offset"),
    )
    sizes = (*result.scales, *result.aspect_ratios, *result.base_size, result.min_scale, result.max_scale)
    if min(sizes) <= 0:
        raise section.error("scales, aspect ratios and base sizes must be above 0")
    if result.scales and len(result.scales) < result.num_layers:
        raise section.error(f"num_layers is {result.num_layers}, and {len(result.scales)} scales are there")
    return result


def _pairs(section: Section, y: str, x: str) -> tuple[tuple[int, int], ...]:
    ys, xs = section.integers(y), section.integers(x)
    if len(ys) != len(xs):
        raise section.error(f"{y} has {len(ys)} values, and {x} {len(xs)}")
    return tuple(zip(ys, xs, strict=True))


def _read_multiscale_anchors(section: Section) -> MultiscaleAnchorGenerator:
    if not section.flag("normalize_coordinates", True):
        raise section.error("normalize_coordinates is off: anchors in pixels are not for a network that is exported")
    low = section.integer("min_level", 3)
    result = MultiscaleAnchorGenerator(
        min_level=low,
        max_level=section.integer("max_level", 7, least=low),
        anchor_scale=section.number("anchor_scale", 4.0),
        aspect_ratios=section.numbers("aspect_ratios"),
        scales_per_octave=section.integer("scales_per_octave", 2, least=1),
    )
    if result.max_level > 20 or min((*result.aspect_ratios, result.anchor_scale)) <= 0:
        raise section.error("levels must be at most 20, anchor_scale and aspect ratios above 0")
    return result
