"""Encoded pictures to pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgeproof_agent.pictures.header import HeaderError, PictureSize, read_size
from edgeproof_agent.pictures.opencv import MAX_PIXELS, cv2

MAX_SIDE = 32766
"""Longest side of a picture in pixels that OpenCV can resample: its coordinates have 16 bits."""


class PictureError(ValueError):
    """The bytes are not a picture that OpenCV can decode and resample."""


def decode_picture(data: bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Decodes JPEG, PNG, BMP, WebP ... to uint8 [H, W, 3], BGR. The orientation that EXIF names is applied.

    What its header says is checked first: a picture of more than `max_pixels` is never decoded. OpenCV has the limit
    `MAX_PIXELS` for formats whose header is not read here. Raises `PictureError`, and MemoryError.
    """
    if not data:
        raise PictureError("it is empty")
    try:
        size = read_size(data)
    except HeaderError as error:
        raise PictureError(f"it is broken or not a picture: {error}") from None
    if size is not None:
        _check_size(size, max_pixels)
    try:
        picture: npt.NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        if getattr(error, "code", None) == cv2.Error.StsNoMem:
            raise MemoryError from None
        reason = str(error.err) if hasattr(error, "err") else str(error)
        raise PictureError(f"OpenCV cannot decode it ({reason.strip()})") from None
    if picture is None:
        raise PictureError("it is broken or not a picture (JPEG, PNG, BMP, WebP ...)")
    _check_size(PictureSize(picture.shape[1], picture.shape[0]), max_pixels)
    return picture


def _check_size(size: PictureSize, max_pixels: int) -> None:
    if 0 in size:
        raise PictureError("it is broken or not a picture: it has no pixels")
    if max(size) > MAX_SIDE:
        raise PictureError(f"it is {size.width} x {size.height} pixels; a side may have {MAX_SIDE}")
    if size.width * size.height > max_pixels:
        raise PictureError(
            f"it is {size.width} x {size.height} pixels; {max_pixels / 1e6:.3g} million are the most that fit"
        )
