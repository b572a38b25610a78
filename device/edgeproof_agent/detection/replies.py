"""A detection as the host is told it."""

from typing import Optional

import numpy as np

from edgeproof_agent.detection.arrays import pack_arrays
from edgeproof_agent.detection.detector import Detection
from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.wire.answering import Reply

_JPEG_QUALITY = 90


def detection_reply(detection: Detection, picture: Optional[np.ndarray] = None) -> Reply:
    """Header and payload; `picture`, uint8 [H, W, 3] in BGR, goes along as JPEG."""
    columns = detection.arrays()
    if picture is not None:
        columns["jpeg"] = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].ravel()
    arrays, payload = pack_arrays(columns)
    return {
        "height": detection.height,
        "width": detection.width,
        "stages_ns": detection.stages_ns,
        "arrays": arrays,
    }, payload
