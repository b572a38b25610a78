"""The options of `edgeproof export` that say of a source what it does not say itself."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from edgeproof.ssd.source_options import (
    AnchorFormat,
    InputRange,
    ScoreConverter,
    SourceOptions,
    parse_box_scales,
    parse_input_size,
)

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
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_source_options(values: Mapping[str, Any]) -> SourceOptions:
    """What the options of `source_options` gave, by their parameter names. Raises UsageError."""
    scales, size = values["box_scales"], values["input_size"]
    form, pixels, converter = values["anchor_format"], values["input_range"], values["score_converter"]
    return SourceOptions(
        boxes=values["boxes"],
        scores=values["scores"],
        anchors=values["anchors"],
        anchor_format=None if form is None else AnchorFormat(form),
        box_scales=None if scales is None else parse_box_scales(scales),
        input_range=None if pixels is None else InputRange(pixels),
        input_size=None if size is None else parse_input_size(size),
        score_converter=None if converter is None else ScoreConverter(converter),
        background=values["background"],
    )
