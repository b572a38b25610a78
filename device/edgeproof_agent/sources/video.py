"""Videos, streams of a network and V4L2 cameras, through OpenCV."""

import os
import time
from pathlib import Path
from typing import Any, Optional

import numpy as np

from edgeproof_agent.machine.cameras import CameraError, check_camera, find_camera, stable_names
from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.sources.frame import Capture, CaptureError, FramePlace, SourceFacts
from edgeproof_agent.sources.grammar import without_credentials
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.sources.turning import is_turned, turn

# What OpenCV turns into pixels by itself. Some drivers offer another format first, which it hands on as bytes.
_PIXEL_FORMATS = ("YUYV", "RGB3", "MJPG")
_OPEN_LIMIT_MS = 10_000
_OLDEST_NS = 60_000_000_000
"""A driver's time stamp that is older, or lies ahead, is by another clock than the monotonic one."""


class VideoCapture(Capture):
    """An open `cv2.VideoCapture`."""

    def __init__(
        self, capture: cv2.VideoCapture, settings: CaptureSettings, live: bool, driver_clock: bool = False
    ) -> None:
        self._capture = capture
        self._settings = settings
        self._driver_clock = driver_clock
        self._turned = is_turned(settings)
        self.facts = SourceFacts(
            live=live,
            timestamps="driver" if driver_clock else "arrival",
            width=_positive(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=_positive(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=_rate(capture.get(cv2.CAP_PROP_FPS)),
            pixel_format=_fourcc(capture.get(cv2.CAP_PROP_FOURCC)),
        )

    def read(self, place: FramePlace) -> bool:
        """See `Capture`. `grab` waits for a frame, `retrieve` makes pixels of it. A broken frame is its own trouble."""
        place.trouble = ""
        place.started_at_ns = time.monotonic_ns()
        if not self._capture.grab():
            return False
        grabbed_at_ns = time.monotonic_ns()
        place.capture_ns = grabbed_at_ns - place.started_at_ns
        told_ns = int(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        by_driver = self._driver_clock and 0 <= grabbed_at_ns - told_ns < _OLDEST_NS
        place.taken_at_ns = told_ns if by_driver else grabbed_at_ns
        place.media_ns = 0 if self.facts.live else max(told_ns, 0)
        try:
            arrived, raw = self._capture.retrieve(place.raw if self._turned else place.picture)
            if arrived and _is_picture(raw):
                place.raw = raw if self._turned else None
                turn(raw, place, self._settings)
            else:
                place.trouble = "the source gave a frame that is no picture"
        except cv2.error:
            place.trouble = "the source gave a frame that cannot be decoded"
        place.decode_ns = time.monotonic_ns() - grabbed_at_ns
        return True

    def release(self) -> None:
        self._capture.release()


def open_file(path: str, settings: CaptureSettings) -> VideoCapture:
    """Opens a video of this machine. Raises `CaptureError`."""
    found = os.path.expanduser(path)
    if not os.path.exists(found):
        raise CaptureError(f"there is no {path} here")
    capture = cv2.VideoCapture(found)
    if not capture.isOpened():
        raise CaptureError(f"cannot open {path} as a video: OpenCV reads no such format, or the file is broken")
    return VideoCapture(capture, settings, live=False)


def open_url(url: str, settings: CaptureSettings) -> VideoCapture:
    """Opens RTSP, or MJPEG or a video over HTTP. Raises `CaptureError`."""
    shown = without_credentials(url)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_LIMIT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _OPEN_LIMIT_MS]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        raise CaptureError(f"cannot open {shown}: nobody answers there, or what comes is no video")
    return VideoCapture(capture, settings, live=capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0)


def open_camera(name: str, settings: CaptureSettings, root: Path = Path("/")) -> VideoCapture:
    """Opens a V4L2 camera by its number or a stable name. It has been read from once. Raises `CaptureError`."""
    try:
        node = find_camera(name, root)
        check_camera(node, root)
    except CameraError as error:
        raise CaptureError(str(error)) from error
    capture = cv2.VideoCapture(str(node), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CaptureError(f"cannot open {node} as a camera")
    formats = (settings.pixel_format,) if settings.pixel_format else ("", *_PIXEL_FORMATS)
    for pixel_format in formats:
        _ask(capture, pixel_format, settings)
        arrived, picture = capture.read()
        if arrived and _is_picture(picture):
            return VideoCapture(capture, settings, live=True, driver_clock=True)
    capture.release()
    tried = ", ".join(filter(None, formats))
    raise CaptureError(f"camera {name} gives no picture in the pixel format {tried}: see `edgeproof board cameras`")


def stable_name(name: str, root: Path = Path("/")) -> str:
    """What a camera is to be called when it is opened anew: it may come back with another number."""
    try:
        names = stable_names(find_camera(name, root), root)
    except CameraError:
        return name
    return names[0] if names else name


def _ask(capture: cv2.VideoCapture, pixel_format: str, settings: CaptureSettings) -> None:
    """The format first: a driver takes sizes and rates of the format in force."""
    if pixel_format:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*pixel_format))
    if settings.width is not None and settings.height is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    if settings.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, settings.fps)


def _is_picture(picture: Any) -> bool:
    return (
        isinstance(picture, np.ndarray)
        and picture.dtype == np.uint8
        and picture.ndim == 3
        and picture.shape[2] == 3
        and picture.size > 0
    )


def _positive(value: float) -> Optional[int]:
    return int(value) if 0 < value < 1 << 16 else None


def _rate(value: float) -> Optional[float]:
    return round(value, 3) if 0 < value < 10_000 else None


def _fourcc(value: float) -> Optional[str]:
    if not 0 < value < 1 << 32:
        return None
    text = int(value).to_bytes(4, "little").decode("ascii", errors="replace")
    return text if text.isprintable() and text.isascii() else None
