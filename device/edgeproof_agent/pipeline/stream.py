"""A stream: frames of a video or a camera one after the other, detections back as events."""

import time
from typing import Callable, Union

import numpy as np

from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.detector import Detection
from edgeproof_agent.detection.replies import detection_reply
from edgeproof_agent.pipeline.capturing import FramesBeside, FramesInTurn
from edgeproof_agent.wire.answering import Exchange

Detect = Callable[[np.ndarray, dict[str, int]], Detection]
"""Detects on uint8 [H, W, 3] in BGR, given the ns of the stages before. Raises `DetectionError`."""


def stream_frames(
    exchange: Exchange,
    detect: Detect,
    source: Union[FramesBeside, FramesInTurn],
    frames: int,
    window: int,
    jpeg_every: int,
) -> int:
    """The number of frames that were sent. The host answers each event with `more`, or once with `stop`.

    The stages before the detector's own are `capture` and `handover`, the time for which a frame lay ready. Raises
    `CaptureError`.
    """
    unanswered = 0
    sent = 0
    while sent < frames:
        frame = source.take()
        if frame is None:
            break
        assert frame.picture is not None
        picture = frame.picture
        with_picture = jpeg_every > 0 and sent % jpeg_every == 0
        try:
            before = {"capture": frame.capture_ns, "handover": time.monotonic_ns() - frame.ready_at_ns}
            detection = detect(picture, before)
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
