"""Latencies and streams in a report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.record.detections import STAGES, BenchResult
from edgeproof.record.pictures import Detection
from edgeproof.verify.latency import Drift, LatencySummary, Samples, drift, summarize


@dataclass(frozen=True)
class Latency:
    """What a bench measured: its samples and what they amount to, by stage and in the order of `STAGES`."""

    runs: int
    warmup_runs: int
    samples_ns: Mapping[str, Samples]
    """Raw samples, [runs] a stage; report.html draws them, report.json has no room for them."""
    stages: Mapping[str, LatencySummary]
    drift: Drift
    """Of the `invoke` stage, which heat slows first; of `total` where there is no such stage."""
    peak_rss_mib: float | None

    @classmethod
    def of(cls, bench: BenchResult) -> "Latency":
        """Sums up a bench. Raises `ValueError` when it holds no samples."""
        samples = in_order_of_stages(bench.samples_ns)
        if not samples:
            raise ValueError("the bench holds no samples")
        deciding = samples.get("invoke", samples.get("total", next(iter(samples.values()))))
        return cls(
            runs=bench.runs,
            warmup_runs=bench.warmup_runs,
            samples_ns=samples,
            stages={stage: summarize(values) for stage, values in samples.items()},
            drift=drift(deciding),
            peak_rss_mib=bench.after.peak_rss_mib if bench.after else None,
        )


def in_order_of_stages(samples_ns: Mapping[str, Samples]) -> dict[str, Samples]:
    """The known stages in their order, then any that this version does not know."""
    order = [stage for stage in STAGES if stage in samples_ns]
    return {stage: samples_ns[stage] for stage in [*order, *sorted(set(samples_ns) - set(order))]}


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

    @classmethod
    def of(
        cls,
        source: str,
        *,
        frames: int,
        frames_with_detections: int,
        seconds: float,
        samples_ns: Mapping[str, Samples],
        shown: Sequence[Frame] = (),
    ) -> "Stream":
        """Sums up a stream that took `seconds` of wall time; `samples_ns` are [frames] a stage."""
        stages = {name: summarize(values) for name, values in in_order_of_stages(samples_ns).items() if len(values)}
        fps = frames / seconds if seconds > 0 else 0.0
        return cls(source, frames, frames_with_detections, fps, stages, tuple(shown))

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "frames": self.frames,
            "frames_with_detections": self.frames_with_detections,
            "fps": self.fps,
            "stages": {stage: summary_json(summary) for stage, summary in self.stages.items()},
        }


def summary_json(summary: LatencySummary) -> dict[str, Any]:
    """The JSON object of one stage."""
    data = asdict(summary)
    if not summary.reasons:
        del data["reasons"]
    return data
