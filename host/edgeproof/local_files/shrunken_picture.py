"""A picture made small enough for a page of many."""

from pathlib import Path

import numpy as np

from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof_agent.pictures.decoding import decode_picture
from edgeproof_agent.pictures.opencv import cv2


def shrunken_jpeg(path: Path, widest: int, quality: int) -> bytes | None:
    """The picture in `path` as a JPEG of at most `widest` pixels width; None when it cannot be read (any more)."""
    try:
        picture = decode_picture(read_bounded(path, MAX_PICTURE_BYTES))
    except (OSError, ValueError):
        return None
    height, width = picture.shape[:2]
    # A tall strip is bounded as well: it would be as heavy as a wide one.
    scale = min(widest / width, 2 * widest / height)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return bytes(encoded.tobytes())
