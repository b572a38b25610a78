"""Encoded pictures to pixels."""

from __future__ import annotations

import os

# A picture that unpacks to more would take a small board's memory. OpenCV reads the limit when it is imported.
MAX_PIXELS = 1 << 27
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402


class PictureError(ValueError):
    """The bytes are not a picture that OpenCV can decode."""


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
    return picture
