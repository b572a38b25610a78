"""What is seen of a stream at this moment: written by the thread that takes its frames, read by those that show it."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.record.board import BoardState
from edgeproof.record.detections import STAGES, SourceTold, StreamFrame
from edgeproof.record.pictures import Detection, Picture
from edgeproof.report.drawing.colours import class_colour, text_colour

_REMEMBERED = 240
"""Frames over which percentiles and the course of the latency are shown."""
_WORDS = 20
_RATE_SECONDS = 3.0


@dataclass(frozen=True)
class Snapshot:
    """One moment."""

    number: int
    """Grows with everything that comes."""
    source: str
    board: str
    model: str
    told: SourceTold | None
    frames: int
    frames_per_second: float
    dropped: int
    repeated: int
    reconnects: int
    refused: int
    stages_ms: dict[str, tuple[float, float]]
    """p50 and p95 of the last frames."""
    course_ms: list[dict[str, float]]
    """The last frames, oldest first: their stages."""
    age_ms: tuple[float, float] | None
    found: dict[str, int]
    """Label to how many of it are on the last frame."""
    state: BoardState | None
    words: tuple[str, ...]
    picture_number: int
    """0 until a picture has come."""
    picture_size: tuple[int, int]
    """Width and height in pixels."""
    picture_detections: tuple[Detection, ...]
    ended: bool

    def to_json(self) -> dict[str, Any]:
        """For the page."""
        data: dict[str, Any] = dict(self.__dict__)
        data["told"] = None if self.told is None else self.told.__dict__
        data["state"] = None if self.state is None else self.state.__dict__
        data["picture_detections"] = [
            {
                "label": item.label,
                "score": item.score,
                "bbox": item.box.to_list(),
                "colour": _css(class_colour(item.class_index)),
                "text": _css(text_colour(class_colour(item.class_index))),
            }
            for item in self.picture_detections
        ]
        return data


class LiveState:
    """Observes one stream: see `StreamObserver`."""

    def __init__(self, source: str, board: str, picture_seconds: float) -> None:
        self.picture_seconds = picture_seconds
        self.state_seconds = 1.0
        self._source, self._board, self._model = source, board, "a model"
        self._changed = threading.Condition()
        self._number = self._picture_number = self._frames = self._refused = 0
        self._told: SourceTold | None = None
        self._last: StreamFrame | None = None
        self._stages: deque[dict[str, float]] = deque(maxlen=_REMEMBERED)
        self._ages: deque[float] = deque(maxlen=_REMEMBERED)
        self._times: deque[float] = deque(maxlen=1000)
        self._found: dict[str, int] = {}
        self._state: BoardState | None = None
        self._words: deque[str] = deque(maxlen=_WORDS)
        self._jpeg = b""
        self._pictured: Picture | None = None
        self._ended = False

    def running(self, model: str) -> None:
        with self._change():
            self._model = model

    def opened(self, told: SourceTold) -> None:
        with self._change():
            self._told = told

    def word(self, text: str) -> None:
        with self._change():
            self._words.append(text)

    def end(self) -> None:
        """Nothing more comes."""
        with self._change():
            self._ended = True

    def frame(self, frame: StreamFrame, picture: Picture) -> None:
        with self._change():
            self._frames += 1
            self._last = frame
            self._times.append(time.monotonic())
            if frame.state is not None:
                self._state = frame.state
            if picture.error is not None:
                self._refused += 1
                self._words.append(picture.error)
                return
            stages = frame.result.stages_ns
            self._stages.append({stage: round(stages[stage] / 1e6, 3) for stage in STAGES if stage in stages})
            if frame.age_ns is not None:
                self._ages.append(frame.age_ns / 1e6)
            self._found = dict(Counter(item.label for item in picture.detections))
            if frame.jpeg is not None:
                self._jpeg, self._pictured = frame.jpeg, picture
                self._picture_number = self._number

    def snapshot(self, after: int = -1, seconds: float = 0.0) -> Snapshot:
        """The present moment; waits up to `seconds` for one that is newer than the number `after`."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > after or self._ended, seconds)
            last, pictured = self._last, self._pictured
            return Snapshot(
                self._number,
                self._source,
                self._board,
                self._model,
                told=self._told,
                frames=self._frames,
                frames_per_second=self._rate(),
                dropped=last.dropped if last else 0,
                repeated=last.repeats if last else 0,
                reconnects=last.reconnects if last else 0,
                refused=self._refused,
                stages_ms=_percentiles(list(self._stages)),
                course_ms=list(self._stages),
                age_ms=_two(list(self._ages)) if self._ages else None,
                found=self._found,
                state=self._state,
                words=tuple(self._words),
                picture_number=self._picture_number,
                picture_size=(pictured.width, pictured.height) if pictured else (0, 0),
                picture_detections=pictured.detections if pictured else (),
                ended=self._ended,
            )

    def picture(self) -> bytes:
        """The last picture as JPEG; empty until one has come."""
        with self._changed:
            return self._jpeg

    def _change(self) -> "_Change":
        return _Change(self)

    def _rate(self) -> float:
        now = time.monotonic()
        recent = [moment for moment in self._times if now - moment < _RATE_SECONDS]
        return len(recent) / _RATE_SECONDS if self._frames > len(recent) else _early_rate(recent, now)


class _Change:
    """Holds the state while it changes, and wakes those who wait for that."""

    def __init__(self, state: LiveState) -> None:
        self._state = state

    def __enter__(self) -> None:
        self._state._changed.acquire()
        self._state._number += 1

    def __exit__(self, *_: object) -> None:
        self._state._changed.notify_all()
        self._state._changed.release()


def _early_rate(moments: list[float], now: float) -> float:
    return len(moments) / max(now - moments[0], 0.1) if moments else 0.0


def _percentiles(frames: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    stages = frames[-1] if frames else {}
    return {stage: _two([frame.get(stage, 0.0) for frame in frames]) for stage in stages}


def _two(values: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95), method="inverted_cdf")
    return float(p50), float(p95)


def _css(colour: tuple[int, int, int]) -> str:
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
