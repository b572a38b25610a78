"""A stream: frames of a video or a camera one after the other, detections back as events."""

import time
from typing import Callable, Union

from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.detector import Detection, Detector
from edgeproof_agent.detection.replies import detection_reply
from edgeproof_agent.pipeline.capturing import FramesBeside, FramesInTurn
from edgeproof_agent.pipeline.handover import FrameSlot
from edgeproof_agent.wire.answering import Exchange

Detect = Callable[[FrameSlot, dict[str, int]], Detection]
"""Detects on a frame, given the ns of the stages before. Raises `DetectionError`."""


def detect_frame(detector: Detector, frame: FrameSlot, stages_ns: dict[str, int]) -> Detection:
    """Takes the tensor that was prepared beside inference, if there is one. Raises `DetectionError`."""
    assert frame.picture is not None
    if frame.tensor is None:
        return detector.detect(frame.picture, stages_ns)
    height, width = frame.picture.shape[:2]
    return detector.detect_prepared(frame.tensor, height, width, {**stages_ns, "preprocess": frame.prepare_ns})


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
        with_picture = jpeg_every > 0 and sent % jpeg_every == 0
        try:
            before = {"capture": frame.capture_ns, "handover": time.monotonic_ns() - frame.ready_at_ns}
            detection = detect(frame, before)
            body, payload = detection_reply(detection, frame.picture if with_picture else None)
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
