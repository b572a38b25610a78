"""Pictures turned and mirrored into memory that is used again."""

import numpy as np

from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.sources.frame import FramePlace
from edgeproof_agent.sources.settings import CaptureSettings

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {"horizontal": 1, "vertical": 0}


def is_turned(settings: CaptureSettings) -> bool:
    return bool(settings.rotate) or settings.flip is not None


def turn(raw: np.ndarray, place: FramePlace, settings: CaptureSettings) -> None:
    """Puts uint8 [H, W, 3] into `place` as it is wanted; its memory there is used again where the size allows."""
    if not is_turned(settings):
        place.picture = raw
        return
    height, width = raw.shape[:2]
    shape = (width, height, 3) if settings.rotate in (90, 270) else (height, width, 3)
    if place.picture is None or place.picture.shape != shape or place.picture is raw:
        place.picture = np.empty(shape, np.uint8)
    if settings.rotate:
        cv2.rotate(raw, _TURNS[settings.rotate], place.picture)
        raw = place.picture
    if settings.flip is not None:
        cv2.flip(raw, _FLIPS[settings.flip], place.picture)
