"""How a source of pictures is named, on the board and on the host alike."""

import re
from dataclasses import dataclass
from enum import Enum

_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")
_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")


class SourceKind(Enum):
    FILE = "file"
    """A picture, a folder of pictures, or a video. The host's when the host says it, the board's on the board."""
    BOARD_FILE = "board"
    """The same, on the board whoever says it."""
    WATCH = "watch"
    """A folder of the board: the pictures that come into it."""
    CAMERA = "camera"
    """A V4L2 device: its number, or a name of /dev/v4l/by-id."""
    PICAMERA = "picamera"
    """A camera of libcamera, by its number."""
    URL = "url"
    """RTSP, or MJPEG or a video over HTTP."""


_PREFIXES = {
    "board:": SourceKind.BOARD_FILE,
    "watch:": SourceKind.WATCH,
    "camera:": SourceKind.CAMERA,
    "picamera:": SourceKind.PICAMERA,
}
SOURCE_FORMS = "PATH, board:PATH, watch:FOLDER, camera:N, camera:NAME, picamera:N, rtsp://..., http://..."


class SourceNameError(ValueError):
    """The text names no source."""


@dataclass(frozen=True)
class Source:
    kind: SourceKind
    place: str
    """A path, a number, a name or a URL."""

    @property
    def is_live(self) -> bool:
        """Whether pictures come at a pace of their own. A URL may turn out to be a video with an end."""
        return self.kind in (SourceKind.CAMERA, SourceKind.PICAMERA, SourceKind.URL)

    @property
    def may_never_end(self) -> bool:
        return self.is_live or self.kind is SourceKind.WATCH

    @property
    def text(self) -> str:
        """What `parse_source` makes this of. It may hold a password."""
        prefix = {kind: prefix for prefix, kind in _PREFIXES.items()}.get(self.kind, "")
        return prefix + self.place

    @property
    def shown(self) -> str:
        """As a report may name it: without a password."""
        return without_credentials(self.text)


def parse_source(text: str) -> Source:
    """Raises `SourceNameError`."""
    if text.lower().startswith(_SCHEMES):
        return Source(SourceKind.URL, text)
    for prefix, kind in _PREFIXES.items():
        if text.startswith(prefix):
            return _checked(Source(kind, text[len(prefix) :]), text)
    if not text or "\0" in text:
        raise SourceNameError(f"{text!r} names no source: {SOURCE_FORMS}")
    if "://" in text:
        raise SourceNameError(f"{without_credentials(text)} is none of the URLs that are read: {', '.join(_SCHEMES)}")
    return Source(SourceKind.FILE, text)


def without_credentials(text: str) -> str:
    """`rtsp://user:password@camera/1` as `rtsp://camera/1`."""
    return _CREDENTIALS.sub("", text)


def _checked(source: Source, text: str) -> Source:
    place = source.place
    number = place.isascii() and place.isdecimal() and len(place) <= 4
    if not place or "\0" in place:
        raise SourceNameError(f"{text!r} names no source: {SOURCE_FORMS}")
    if source.kind is SourceKind.PICAMERA and not number:
        raise SourceNameError(f"{text!r} names no source: picamera: is followed by a number, 0 for the first")
    if source.kind is SourceKind.CAMERA and "/" in place:
        raise SourceNameError(
            f"{text!r} names no source: camera: is followed by a number or a name of /dev/v4l/by-id, not a path"
        )
    return source
