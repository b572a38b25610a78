"""A stream: frames of a source one after the other, detections back as events."""

import time
from dataclasses import dataclass
from typing import Any, Callable

from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.detector import Detection, Detector
from edgeproof_agent.detection.replies import detection_reply
from edgeproof_agent.machine.board_state import read_board_state
from edgeproof_agent.pipeline.capturing import Frames
from edgeproof_agent.pipeline.handover import FrameSlot
from edgeproof_agent.wire.answering import Exchange, Reply

Detect = Callable[[FrameSlot, dict[str, int]], Detection]
"""Detects on a frame, given the ns of the stages before. Raises `DetectionError`."""


@dataclass(frozen=True)
class Pace:
    """How much of a stream is wanted, and how much of it at once."""

    frames: int
    window: int
    """Events that the host has not answered."""
    jpeg_every: int = 0
    """Every so manieth frame brings its picture along."""
    jpeg_seconds: float = 0.0
    """Or one when the last is so long ago."""
    state_seconds: float = 0.0
    """The board's state goes along when the last is so long ago; 0 for never."""


def detect_frame(detector: Detector, frame: FrameSlot, stages_ns: dict[str, int]) -> Detection:
    """Takes the tensor that was prepared beside inference, if there is one. Raises `DetectionError`."""
    assert frame.picture is not None
    if frame.tensor is None:
        return detector.detect(frame.picture, stages_ns)
    height, width = frame.picture.shape[:2]
    return detector.detect_prepared(frame.tensor, height, width, {**stages_ns, "preprocess": frame.prepare_ns})


def stream_frames(exchange: Exchange, detect: Detect, source: Frames, live: bool, pace: Pace) -> int:
    """The number of frames that were sent. The host answers each event `frame` with `more`, or once with `stop`.

    The stages before the detector's own are `capture`, `decode` and `handover`, the time for which a frame lay ready.
    `whole_ns` is measured apart from them, from the moment that a frame was asked for until its detections exist;
    `age_ns` of a live source from the moment that the frame was taken. Raises `CaptureError`.
    """
    unanswered = sent = 0
    next_jpeg_at = time.monotonic() if pace.jpeg_seconds else float("inf")
    next_state_at = time.monotonic() if pace.state_seconds else float("inf")
    while sent < pace.frames:
        frame = source.take()
        if frame is None:
            break
        now = time.monotonic()
        with_picture = (pace.jpeg_every > 0 and sent % pace.jpeg_every == 0) or now >= next_jpeg_at
        if with_picture and pace.jpeg_seconds:
            next_jpeg_at = now + pace.jpeg_seconds
        body, payload = _outcome(frame, detect, live, with_picture)
        if now >= next_state_at:
            next_state_at = now + pace.state_seconds
            body["state"] = read_board_state()
        counts = {
            "dropped": source.dropped,
            "repeated": source.repeated,
            "reconnects": source.reconnects,
        }
        exchange.send_event("frame", {"index": sent, **counts, **body}, payload)
        sent += 1
        unanswered += 1
        while unanswered >= pace.window:
            if exchange.receive_control() == "stop":
                return sent
            unanswered -= 1
    while unanswered and exchange.receive_control() == "more":
        unanswered -= 1
    return sent


def _outcome(frame: FrameSlot, detect: Detect, live: bool, with_picture: bool) -> Reply:
    named: dict[str, Any] = {"name": frame.name} if frame.name else {"media_ns": frame.media_ns}
    if frame.trouble:
        return {**named, "refused": frame.trouble}, b""
    before = {
        "capture": frame.capture_ns,
        "decode": frame.decode_ns,
        "handover": time.monotonic_ns() - frame.ready_at_ns,
    }
    try:
        detection = detect(frame, before)
    except DetectionError as error:
        return {**named, "refused": str(error)}, b""
    finished_ns = time.monotonic_ns()
    body, payload = detection_reply(detection, frame.picture if with_picture else None)
    body["whole_ns"] = finished_ns - frame.started_at_ns
    if live:
        body["age_ns"] = max(finished_ns - frame.taken_at_ns, 0)
    if frame.repeated:
        body["repeated_frame"] = True
    return {**named, **body}, payload
