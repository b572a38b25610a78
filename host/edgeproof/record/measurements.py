"""Latencies and streams in a report."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.record.board import BoardState
from edgeproof.record.board_sample import BoardSample
from edgeproof.record.energy import Energy, PowerReadings
from edgeproof.record.latency import Drift, LatencySummary, Samples
from edgeproof.record.pictures import Detection, detections_json


@dataclass(frozen=True)
class Latency:
    """What a bench measured: its samples and what they amount to, by stage and in the order of `STAGES`."""

    runs: int
    warmup_runs: int
    samples_ns: Mapping[str, Samples]
    """Raw samples, [runs] a stage; they lie beside report.json, which names their file."""
    stages: Mapping[str, LatencySummary]
    drift: Drift
    """Of the `invoke` stage, which heat slows first; of `total` where there is no such stage."""
    peak_rss_mib: float | None
    before: BoardState | None = None
    """The board as the first sample was taken, after the warm-up."""
    after: BoardState | None = None
    """The board after the last one; None when the bench was cut short."""
    timeline: tuple[BoardSample, ...] = ()
    """The board in between."""
    power: PowerReadings | None = None
    """What the board drew meanwhile, as it told it."""
    energy: tuple[Energy, ...] = ()
    """Of an inference, the better class of its source first."""
    energy_reason: str | None = None
    """Why there is none."""


@dataclass(frozen=True)
class Frame:
    """A frame of a video that the report shows, with its detections drawn."""

    time_s: float
    """Since the start of the video."""
    annotated: Path
    detections: tuple[Detection, ...] = ()


@dataclass(frozen=True)
class Stream:
    """A video or camera that was run through the detector."""

    source: str
    frames: int
    frames_with_detections: int
    fps: float
    """Frames that left the detector, a second of wall time."""
    stages: Mapping[str, LatencySummary] = field(default_factory=dict)
    shown: tuple[Frame, ...] = ()

    def to_json(self, folder: Path) -> dict[str, Any]:
        """`folder` is the report's: files are named from there."""
        data: dict[str, Any] = {
            "source": self.source,
            "frames": self.frames,
            "frames_with_detections": self.frames_with_detections,
            "fps": self.fps,
            "stages": {stage: summary_json(summary) for stage, summary in self.stages.items()},
        }
        if self.shown:
            data["shown"] = [
                {
                    "time_s": frame.time_s,
                    "annotated": os.path.relpath(frame.annotated, folder),
                    "detections": detections_json(frame.detections),
                }
                for frame in self.shown
            ]
        return data


def summary_json(summary: LatencySummary) -> dict[str, Any]:
    """The JSON object of one stage."""
    data = asdict(summary)
    if not summary.reasons:
        del data["reasons"]
    return data
