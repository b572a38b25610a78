"""Videos and cameras, frame by frame."""

import os
import re

import numpy as np

from edgeproof_agent.pictures.opencv import cv2

_CAMERA = re.compile(r"[0-9]{1,3}")
# What OpenCV turns into pixels by itself. Some drivers offer another format first, which it hands on as bytes.
_PIXEL_FORMATS = ("YUYV", "RGB3", "MJPG")
_LIVE_SCHEMES = ("rtsp://", "http://", "https://")


class CaptureError(Exception):
    """The source cannot be opened, or does not bring pictures."""


def is_live(source: str, capture: cv2.VideoCapture) -> bool:
    """Whether frames come at a pace of their own: those of a camera or of a URL without an end, not those of a file."""
    if _CAMERA.fullmatch(source):
        return True
    return source.lower().startswith(_LIVE_SCHEMES) and capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0


def open_capture(source: str) -> cv2.VideoCapture:
    """Opens a camera by its number, or a video by its path or URL. Raises `CaptureError`.

    A camera has been read from once, and brings uint8 [H, W, 3] from then on.
    """
    is_camera = _CAMERA.fullmatch(source) is not None
    capture = cv2.VideoCapture(int(source) if is_camera else os.path.expanduser(source))
    if not capture.isOpened():
        raise CaptureError(f"cannot open {source} as a video or a camera")
    if is_camera and not _brings_pictures(capture):
        for pixel_format in _PIXEL_FORMATS:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*pixel_format))
            if _brings_pictures(capture):
                break
        else:
            capture.release()
            raise CaptureError(f"camera {source} has none of the pixel formats {', '.join(_PIXEL_FORMATS)}")
    return capture


def _brings_pictures(capture: cv2.VideoCapture) -> bool:
    arrived, picture = capture.read()
    return bool(arrived) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
