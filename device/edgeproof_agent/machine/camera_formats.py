"""In which formats, sizes and rates a camera brings pictures, as the board tells it and as the host reads it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgeproof_agent.wire.fields import Fields

MOST = 64
"""Formats of a camera, sizes of a format, rates of a size."""
_MAX_SIDE = 1 << 16
_MAX_FORMAT = 64


@dataclass(frozen=True)
class FrameSize:
    """One size of a pixel format."""

    width: int
    height: int
    """In pixels. Of a camera that takes any size in steps, the largest."""
    fps: tuple[float, ...] = ()
    """Frames a second, fastest first."""
    any_up_to: bool = False
    """Whether smaller ones are taken, too."""


@dataclass(frozen=True)
class PixelFormat:
    format: str
    """Four characters (V4L2's FourCC)."""
    sizes: tuple[FrameSize, ...]


def formats_to_json(formats: Sequence[PixelFormat]) -> list[dict[str, Any]]:
    return [asdict(one) for one in formats]


def read_formats(camera: Fields) -> tuple[PixelFormat, ...]:
    """What `formats_to_json` told of a camera, in `formats`. Raises `FieldError`."""
    return tuple(
        PixelFormat(
            one.text("format", max_length=_MAX_FORMAT), tuple(_read_size(size) for size in one.objects("sizes", MOST))
        )
        for one in camera.objects("formats", MOST)
    )


def _read_size(size: Fields) -> FrameSize:
    return FrameSize(
        size.integer("width", high=_MAX_SIDE),
        size.integer("height", high=_MAX_SIDE),
        tuple(size.numbers_up_to("fps", MOST)),
        size.flag("any_up_to"),
    )
