"""The options of `edgeproof export` that say of a source what it does not say itself."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

import click

from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.source_options import (
    AnchorFormat,
    InputRange,
    ScoreConverter,
    SourceOptions,
    parse_box_scales,
    parse_channels,
    parse_input_size,
)
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates

_Member = TypeVar("_Member", bound=Enum)


def _order(name: str, what: str) -> Callable[..., Any]:
    values = click.Choice([item.value for item in CoordinateOrder])
    return click.option(name, type=values, help=f"Which coordinate comes first in the {what}.  [default: yx]")


_OPTIONS = (
    click.option("--boxes", metavar="NAME", help="Output or node with the box encodings, when it is not found."),
    click.option("--scores", metavar="NAME", help="Output or node with the class scores, when it is not found."),
    click.option("--anchors", metavar="FILE|NAME", help="Anchors: a .npy or .json file, or an output or node."),
    click.option(
        "--anchor-format",
        type=click.Choice([item.value for item in AnchorFormat]),
        help="Centre y, centre x, height, width, or ymin, xmin, ymax, xmax.  [default: found out]",
    ),
    click.option("--box-scales", metavar="Y,X,H,W", help="Divisors of the box encodings.  [default: 10,10,5,5]"),
    click.option(
        "--input-range",
        type=click.Choice([item.value for item in InputRange]),
        help="Range of the pixels that the network takes, when it is not found.",
    ),
    click.option("--input-size", metavar="HxW", help="Of a network that takes pictures of any size."),
    click.option(
        "--score-converter",
        type=click.Choice([item.value for item in ScoreConverter]),
        help="What makes scores of the class predictions; identity: they are scores.  [default: found out]",
    ),
    click.option(
        "--background/--no-background",
        default=None,
        help="Whether the first column of the class scores is the background.  [default: by the labels]",
    ),
    click.option(
        "--background-last", is_flag=True, default=None, help="The last column of the scores is the background."
    ),
    click.option(
        "--family",
        type=click.Choice([item.value for item in Family]),
        metavar="NAME",
        help="Takes the conventions of a family of detectors where nothing else is said: "
        f"{', '.join(item.value for item in Family)}.",
    ),
    click.option(
        "--box-coder",
        type=click.Choice([item.value for item in BoxCoder]),
        help="What the box predictions mean; boxes: they are decoded already.  [default: centre]",
    ),
    _order("--box-order", "box predictions"),
    _order("--anchor-order", "anchors"),
    click.option(
        "--anchor-units",
        type=click.Choice([item.value for item in AnchorUnits]),
        help="Units of the anchors.  [default: normalised]",
    ),
    click.option(
        "--colour-order",
        type=click.Choice([item.value for item in ColourOrder]),
        help="Order of the channels that the network takes.  [default: rgb]",
    ),
    click.option(
        "--coordinates",
        type=click.Choice([item.value for item in Coordinates]),
        help="How pixels are mapped when a picture is resized, in the words of ONNX.  [default: half_pixel, as "
        "TensorFlow 2, PyTorch and OpenCV do]",
    ),
    click.option("--mean", metavar="R,G,B", help="Subtracted from the pixels, 0..255, one number or one a channel."),
    click.option("--std", metavar="R,G,B", help="What the pixels are then divided by.  [default with --mean: 1]"),
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_source_options(values: Mapping[str, Any]) -> SourceOptions:
    """What the options of `source_options` gave, by their parameter names. Raises UsageError."""
    scales, size, mean, std = values["box_scales"], values["input_size"], values["mean"], values["std"]
    options = SourceOptions(
        boxes=values["boxes"],
        scores=values["scores"],
        anchors=values["anchors"],
        anchor_format=_member(AnchorFormat, values["anchor_format"]),
        box_scales=None if scales is None else parse_box_scales(scales),
        input_range=_member(InputRange, values["input_range"]),
        input_size=None if size is None else parse_input_size(size),
        score_converter=_member(ScoreConverter, values["score_converter"]),
        background=values["background"],
        background_last=values["background_last"] or None,
        box_coder=_member(BoxCoder, values["box_coder"]),
        box_order=_member(CoordinateOrder, values["box_order"]),
        anchor_order=_member(CoordinateOrder, values["anchor_order"]),
        anchor_units=_member(AnchorUnits, values["anchor_units"]),
        colour_order=_member(ColourOrder, values["colour_order"]),
        mean=None if mean is None else parse_channels(mean, "--mean"),
        std=None if std is None else parse_channels(std, "--std"),
        coordinates=_member(Coordinates, values["coordinates"]),
    )
    family = _member(Family, values["family"])
    return options if family is None else with_family(options, family)


def _member(kind: type[_Member], value: str | None) -> _Member | None:
    return None if value is None else kind(value)
