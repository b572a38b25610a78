"""What a service writes down: a line for each frame on which it found something, and what befell it."""

import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.bundle.manifest import Manifest
from edgeproof_agent.detection.detector import Detection
from edgeproof_agent.pipeline.handover import FrameSlot
from edgeproof_agent.store.services.line_log import LineLog
from edgeproof_agent.store.services.places import DETECTIONS, EVENTS, EVENTS_BYTES

SUMMARY_SECONDS = 60.0
_DECIMALS = 4


class Journal:
    """The two logs of one service."""

    def __init__(self, folder: Path, detections_bytes: int) -> None:
        self._detections = LineLog(folder / DETECTIONS, detections_bytes)
        self._events = LineLog(folder / EVENTS, EVENTS_BYTES)
        self._lost_told = 0

    def event(self, name: str, text: str, **more: Any) -> None:
        """Also told on standard error, which the manager keeps."""
        sys.stderr.write(f"{name}: {text}\n")
        sys.stderr.flush()
        self._events.append(_line({"event": name, "text": text, **more}))

    def note(self, event: str, **more: Any) -> None:
        """Among the detections: where a run begins, and what was looked at though nothing was found."""
        self._add({"event": event, **more})

    def found(self, number: int, frame: FrameSlot, described: dict[str, Any]) -> None:
        self._add({"frame": number, **({"file_name": frame.name} if frame.name else {}), **described})

    def _add(self, fields: dict[str, Any]) -> None:
        lost = self._detections.lost
        if lost > self._lost_told and self._detections.append(
            _line({"event": "lost", "lines": lost - self._lost_told})
        ):
            self.event("disk", f"{lost - self._lost_told} lines could not be written: the disk was full, or ails")
            self._lost_told = lost
        self._detections.append(_line(fields))


def describe_detections(
    detection: Detection, manifest: Manifest, labels: list[str], min_score: float
) -> list[dict[str, Any]]:
    """As the host's records have them: `bbox` is left, top, width, height in pixels."""
    found = []
    for box, class_index, score in zip(detection.boxes, detection.classes, detection.scores):
        if score < min_score:
            continue
        top, left, bottom, right = (float(side) for side in box)
        line = int(class_index) + manifest.label_offset
        found.append(
            {
                "label": labels[line] if 0 <= line < len(labels) else f"class {int(class_index)}",
                "class_index": int(class_index),
                "score": round(float(score), _DECIMALS),
                "bbox": [
                    round(left * detection.width, 2),
                    round(top * detection.height, 2),
                    round((right - left) * detection.width, 2),
                    round((bottom - top) * detection.height, 2),
                ],
            }
        )
    return found


def _line(fields: dict[str, Any], now_seconds: Optional[float] = None) -> bytes:
    """The board's clock may jump; frames are numbered, and lines are in their order."""
    now = datetime.fromtimestamp(time.time() if now_seconds is None else now_seconds, timezone.utc)
    text = json.dumps({"time": now.isoformat(timespec="milliseconds"), **fields}, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="replace") + b"\n"
