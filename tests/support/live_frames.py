"""Frames as a board's stream brings them, for those who show them."""

from typing import Any

import cv2
import numpy as np

from edgeproof.record.board import BoardState
from edgeproof.record.detections import Detections, PictureResult, SourceTold, StreamFrame
from edgeproof.record.pictures import Picture
from edgeproof.watch.live_state import LiveState

TOLD = SourceTold(True, "driver", 320, 240, 30.0, "MJPG")
LABELS = ("person", "cup")
WARM = BoardState(temperature_celsius=51.4, clock_mhz=1500.0, load_1min=0.7)


def stages(invoke_ms: float) -> dict[str, int]:
    named = {"capture": 33.0, "decode": 1.5, "handover": 0.1, "preprocess": 0.4}
    named |= {"invoke": invoke_ms, "postprocess": 0.2}
    in_ns = {stage: int(ms * 1e6) for stage, ms in named.items()}
    return {**in_ns, "total": sum(in_ns.values())}


def frame_at(index: int, shade: int = 60, **more: Any) -> StreamFrame:
    """One frame on which two things are found, with its picture."""
    pixels = np.full((240, 320, 3), shade, np.uint8)
    boxes = np.array([[0.25, 0.25, 0.75, 0.5], [0.5, 0.625, 0.75, 0.875]], np.float32)
    found = Detections(boxes, np.array([0, 1], np.int32), np.array([0.91, 0.72], np.float32))
    result = PictureResult(f"frame {index}", 320, 240, found, stages(8.0 + index % 5))
    fields: dict[str, Any] = {"age_ns": 45_000_000, "whole_ns": 50_000_000, "state": WARM, "dropped": 2, **more}
    return StreamFrame(index, result, cv2.imencode(".jpg", pixels)[1].tobytes(), **fields)


def show(state: LiveState, index: int, *, labels: tuple[str, ...] = LABELS, **more: Any) -> None:
    """Gives one frame to a state."""
    frame = frame_at(index, **more)
    state.frame(frame, Picture.of(frame.result, labels, 0, 0.5))
