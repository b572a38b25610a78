"""The picture that a bench runs on."""

from pathlib import Path

import numpy as np

from edgeproof.errors import PictureFolderError
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded, readable
from edgeproof_agent.pictures.decoding import PictureError, decode_picture
from edgeproof_agent.pictures.opencv import cv2


def read_picture(path: Path) -> bytes:
    """An encoded picture for a bench, checked here so that a mistake costs no trip to the board."""
    with readable(path, PictureFolderError):
        data = read_bounded(path, MAX_PICTURE_BYTES)
    try:
        decode_picture(data)
    except PictureError as error:
        raise PictureFolderError(f"{path}: {error}.") from error
    return data


def generated_picture(width: int = 640, height: int = 480) -> bytes:
    """A JPEG for a bench when the user gives none: structure at several scales, the same at every call."""
    random = np.random.default_rng(0)
    picture = np.zeros((height, width, 3), np.float32)
    for cell in (4, 16, 64):
        coarse = random.uniform(0, 85, (height // cell, width // cell, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8))[1])
