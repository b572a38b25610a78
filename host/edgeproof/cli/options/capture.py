"""The options of commands that read a source of pictures."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgeproof_agent.sources.grammar import SOURCE_FORMS
from edgeproof_agent.sources.settings import CaptureSettings

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


class _Size(click.ParamType[Any]):
    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = _SIZE.fullmatch(str(value))
        if match is None:
            self.fail(f"{value} is no size: width and height in pixels, 640x480", param, ctx)
        return int(match.group(1)), int(match.group(2))


_END_OPTIONS = (
    click.option("--frames", type=click.IntRange(1, 1_000_000_000), help="End each stream after so many frames."),
    click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End each stream after so long."),
)
_CAMERA_OPTIONS = (
    click.option("--size", type=_Size(), help="Ask a camera for this size."),
    click.option("--fps", type=click.FloatRange(0.01, 1000), help="Ask a camera for so many frames a second."),
    click.option("--format", "pixel_format", metavar="FOURCC", help="Ask a camera for this format: MJPG, YUYV ..."),
    click.option("--rotate", type=click.Choice(["0", "90", "180", "270"]), default="0", help="Clockwise, in degrees."),
    click.option("--flip", type=click.Choice(["horizontal", "vertical"]), help="Mirror, after turning."),
    click.option("--recursive/--no-recursive", default=True, help="Look into folders below one.  [default: recursive]"),
)
_OVERLAP_OPTION = (
    click.option("--no-overlap", is_flag=True, help="Capture in turn with inference: clean timings, fewer frames."),
)


def source_option(command: _Command) -> _Command:
    """--source, as often as is wanted."""
    return click.option("--source", "sources", multiple=True, metavar="SOURCE", help=f"{SOURCE_FORMS}.")(command)


def capture_options(command: _Command) -> _Command:
    """How sources are read, and when that ends."""
    for option in reversed((*_END_OPTIONS, *_CAMERA_OPTIONS, *_OVERLAP_OPTION)):
        command = option(command)
    return command


def camera_options(command: _Command) -> _Command:
    """How sources are read."""
    for option in reversed(_CAMERA_OPTIONS):
        command = option(command)
    return command


def capture_settings(
    size: tuple[int, int] | None,
    fps: float | None,
    pixel_format: str | None,
    rotate: str,
    flip: str | None,
    recursive: bool,
) -> CaptureSettings:
    if pixel_format is not None and not (len(pixel_format) == 4 and pixel_format.isascii()):
        raise click.BadParameter("a pixel format has four characters: MJPG, YUYV ...", param_hint="--format")
    width, height = size if size is not None else (None, None)
    return CaptureSettings(width, height, fps, pixel_format, int(rotate), flip, recursive)
