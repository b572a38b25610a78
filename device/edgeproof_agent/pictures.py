"""Encoded pictures to pixels."""

from __future__ import annotations

import os

# A picture that unpacks to more would take a small board's memory. OpenCV reads the limit when it is imported.
MAX_PIXELS = 1 << 27
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402

MAX_SIDE = 32766
"""Longest side of a picture in pixels that OpenCV can resample: its coordinates have 16 bits."""


class PictureError(ValueError):
    """The bytes are not a picture that OpenCV can decode and resample."""


def decode_picture(data: bytes) -> npt.NDArray[np.uint8]:
    """Decodes JPEG, PNG, BMP, WebP ... to uint8 [H, W, 3], BGR. The orientation that EXIF names is applied."""
    if not data:
        raise PictureError("it is empty")
    try:
        picture: npt.NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        reason = str(error.err) if hasattr(error, "err") else str(error)
        raise PictureError(f"OpenCV cannot decode it ({reason.strip()})") from None
    if picture is None:
        raise PictureError("it is broken or not a picture (JPEG, PNG, BMP, WebP ...)")
    if max(picture.shape) > MAX_SIDE:
        raise PictureError(f"it is {picture.shape[1]} x {picture.shape[0]} pixels; a side may have {MAX_SIDE}")
    return picture
