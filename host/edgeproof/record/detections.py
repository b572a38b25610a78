"""What comes back from a board: detections and nanoseconds, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from edgeproof.record.board import BoardState
from edgeproof.record.measured.board_sample import BoardSample, joined_timeline
from edgeproof.record.measured.energy import PowerReadings, joined_power

STAGES = ("capture", "decode", "handover", "preprocess", "invoke", "postprocess", "total")
"""The stages that the agent times, in their order; a stage that a job does not have is absent."""


@dataclass(frozen=True)
class Detections:
    """Detections on one picture, best score first as the model gave them."""

    boxes: npt.NDArray[np.float32]
    """[N, 4] as (ymin, xmin, ymax, xmax), in 0..1 of the picture's height and width."""
    classes: npt.NDArray[np.int32]
    """[N] class indices, 0-based without background."""
    scores: npt.NDArray[np.float32]
    """[N] in 0..1."""

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> "Detections":
        """Those with at least this score."""
        return self.at(self.scores >= score)

    def at(self, places: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | list[int]) -> "Detections":
        """Those at some places, or where a mask is true."""
        return Detections(self.boxes[places], self.classes[places], self.scores[places])


@dataclass(frozen=True)
class StepDigests:
    """SHA-256 of what each step made of one picture: two machines made the same where these are equal."""

    pixels: str
    """Of the decoded picture."""
    input: str
    """Of the model's input tensor."""
    outputs: tuple[str, ...]
    """Of its output tensors, before anything is decoded from them."""


@dataclass(frozen=True)
class PictureResult:
    """One picture's outcome: detections, or the reason why there are none."""

    name: str
    width: int = 0
    """Width of the decoded picture in pixels; 0 when it could not be decoded."""
    height: int = 0
    detections: Detections | None = None
    stages_ns: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    digests: StepDigests | None = None
    """When they were asked for."""


@dataclass(frozen=True)
class BenchResult:
    """Raw latency samples of one run of the agent's `bench`."""

    samples_ns: Mapping[str, npt.NDArray[np.int64]]
    """A stage's samples, [runs] each, in the order in which they were taken."""
    warmup_runs: int
    before: BoardState | None
    after: BoardState | None
    """None when the bench was cut short."""
    seconds: float = 0.0
    """What the measured runs took by the board's clock, one after the other."""
    timeline: tuple[BoardSample, ...] = ()
    """The board meanwhile."""
    power: PowerReadings | None = None
    """What it drew meanwhile; None where nothing tells."""

    @property
    def runs(self) -> int:
        return len(next(iter(self.samples_ns.values()), ()))


SampleBlock = Mapping[str, npt.NDArray[np.int64]]
"""Samples that came together: [n] nanoseconds a stage."""


def joined_samples(blocks: Sequence[SampleBlock]) -> dict[str, npt.NDArray[np.int64]]:
    """All samples of a stage in their order. Raises `ValueError` when the stages of the blocks differ."""
    stages = list(blocks[0]) if blocks else []
    if any(list(block) != stages or len({len(values) for values in block.values()}) > 1 for block in blocks):
        raise ValueError("the stages of the samples changed on the way")
    return {stage: np.concatenate([block[stage] for block in blocks]) for stage in stages}


def joined_benches(parts: Sequence[BenchResult]) -> BenchResult:
    """Of parts that were measured one after the other: the state before the first, and after the last."""
    first = parts[0]
    powers = [part.power for part in parts if part.power is not None]
    return replace(
        first,
        samples_ns=joined_samples([part.samples_ns for part in parts]),
        after=parts[-1].after,
        seconds=sum(part.seconds for part in parts),
        timeline=joined_timeline([(part.timeline, part.seconds) for part in parts]),
        power=joined_power(powers) if len(powers) == len(parts) else None,
    )


@dataclass(frozen=True)
class StreamFrame:
    """One frame of a source on the board."""

    index: int
    result: PictureResult
    jpeg: bytes | None
    """The frame itself, when it was asked for."""
    media_ns: int | None = None
    """Its place in a video, from the start."""
    whole_ns: int | None = None
    """From the moment that it was asked for until its detections existed, measured apart from the stages."""
    age_ns: int | None = None
    """Of a live source: from the moment that it was taken until its detections existed."""
    repeated: bool = False
    """Whether a live source gave the very frame before once more."""
    dropped: int = 0
    """Frames of a live source that newer ones have overtaken, until now; the same of the others."""
    repeats: int = 0
    reconnects: int = 0
    state: BoardState | None = None
    """The board at that moment, when it was asked for."""


@dataclass(frozen=True)
class SourceTold:
    """What the board says of a source that it has opened."""

    live: bool
    """Whether frames come at a pace of their own."""
    timestamps: str
    """Where the age of a frame is counted from: the `driver`, `libcamera`, or its `arrival`."""
    width: int | None = None
    """In pixels, before the picture is turned."""
    height: int | None = None
    fps: float | None = None
    """As the source tells it."""
    pixel_format: str | None = None


@dataclass(frozen=True)
class StreamResult:
    """How a stream ended."""

    frames: int
    before: BoardState
    after: BoardState
    source: SourceTold | None = None
    dropped: int = 0
    """Frames of a live source that newer ones have overtaken."""
    repeated: int = 0
    reconnects: int = 0
