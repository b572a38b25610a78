"""A stream: frames of a video or a camera one after the other, detections back as events."""

import time
from typing import Callable

import numpy as np

from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.detector import Detection
from edgeproof_agent.detection.replies import detection_reply
from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.wire.answering import Exchange

Detect = Callable[[np.ndarray, dict[str, int]], Detection]
"""Detects on uint8 [H, W, 3] in BGR, given the ns of the stages before. Raises `DetectionError`."""


def stream_frames(
    exchange: Exchange,
    detect: Detect,
    capture: cv2.VideoCapture,
    frames: int,
    window: int,
    jpeg_every: int,
) -> int:
    """The number of frames that were sent. The host answers each event with `more`, or once with `stop`."""
    unanswered = 0
    sent = 0
    while sent < frames:
        start = time.monotonic_ns()
        arrived, picture = capture.read()
        captured_ns = time.monotonic_ns() - start
        if not arrived:
            break
        with_picture = jpeg_every > 0 and sent % jpeg_every == 0
        try:
            detection = detect(picture, {"capture": captured_ns})
            body, payload = detection_reply(detection, picture if with_picture else None)
        except DetectionError as error:
            body, payload = {"refused": str(error)}, b""
        exchange.send_event("frame", {"index": sent, **body}, payload)
        sent += 1
        unanswered += 1
        while unanswered >= window:
            if exchange.receive_control() == "stop":
                return sent
            unanswered -= 1
    while unanswered and exchange.receive_control() == "more":
        unanswered -= 1
    return sent
