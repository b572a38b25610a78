"""Latencies and streams in a report."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.record.board import BoardState
from edgeproof.record.detections import SourceTold
from edgeproof.record.measured.board_sample import BoardSample
from edgeproof.record.measured.energy import Energy, PowerReadings
from edgeproof.record.measured.latency import Drift, LatencySummary, Samples
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
    """A frame of a stream that the report shows, with its detections drawn."""

    time_s: float
    """Since the start of the video, or of a live stream."""
    annotated: Path
    detections: tuple[Detection, ...] = ()


@dataclass(frozen=True)
class Stream:
    """A source that was run through the detector frame by frame."""

    source: str
    frames: int
    frames_with_detections: int
    fps: float
    """Frames that left the detector, a second of wall time."""
    stages: Mapping[str, LatencySummary] = field(default_factory=dict)
    shown: tuple[Frame, ...] = ()
    told: SourceTold | None = None
    """What the board says of the source; None in reports of before."""
    overlap: bool = True
    """Whether frames were captured beside inference."""
    whole: LatencySummary | None = None
    """From the moment that a frame was asked for until its detections existed, measured apart from the stages."""
    accounted: float | None = None
    """The stages of all frames over that time: what is missing to 1 went between them."""
    age: LatencySummary | None = None
    """Of a live source: from the moment that a frame was taken until its detections existed."""
    refused: int = 0
    """Frames without detections because something was wrong with them; `problems` tells the first."""
    dropped: int = 0
    """Frames of a live source that newer ones have overtaken."""
    repeated: int = 0
    """Frames of a live source that were the one before once more."""
    reconnects: int = 0
    """How often a live source was opened anew."""
    problems: tuple[str, ...] = ()
    """What befell the source and its frames, in words; the first of them."""
    frames_file: str | None = None
    """A line of JSON a frame, relative to report.json."""

    def to_json(self, folder: Path) -> dict[str, Any]:
        """`folder` is the report's: files are named from there."""
        data: dict[str, Any] = {
            "source": self.source,
            "frames": self.frames,
            "frames_with_detections": self.frames_with_detections,
            "fps": self.fps,
            "stages": {stage: summary_json(summary) for stage, summary in self.stages.items()},
        }
        if self.told is not None:
            told = {key: value for key, value in asdict(self.told).items() if value is not None}
            data |= {"told": told, "overlap": self.overlap}
            counts = ("refused", "dropped", "repeated", "reconnects")
            data |= {name: getattr(self, name) for name in counts}
        for name in ("whole", "age"):
            summary = getattr(self, name)
            if summary is not None:
                data[name] = summary_json(summary)
        if self.accounted is not None:
            data["accounted"] = self.accounted
        if self.problems:
            data["problems"] = list(self.problems)
        if self.frames_file is not None:
            data["frames_file"] = self.frames_file
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
