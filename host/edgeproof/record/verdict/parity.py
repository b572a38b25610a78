"""What came of holding a board against the host, picture by picture: the first stage where they part, and how often."""

import base64
import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgeproof.record.pictures import Detection, detections_json
from edgeproof.record.verdict.chain import ChainLink


class ParityStage(enum.Enum):
    """The steps of a detection in their order."""

    PIXELS = "pixels"
    INPUT = "input"
    OUTPUTS = "outputs"
    DETECTIONS = "detections"

    @property
    def cause(self) -> str:
        """What differs when this is the first step that does."""
        return {
            ParityStage.PIXELS: "the picture decodes to other pixels: another version of OpenCV or its codecs",
            ParityStage.INPUT: "equal pixels become another input: preprocessing differs",
            ParityStage.OUTPUTS: "an equal input gives other outputs: the runtime's kernels, or the model, differ",
            ParityStage.DETECTIONS: "equal outputs become other detections: box decoding or suppression differs",
        }[self]


@dataclass(frozen=True)
class BothSides:
    """What both machines found on a picture where they part, and the picture itself."""

    host: tuple[Detection, ...]
    """Those that are confident or nearly so; boxes in the picture's own pixels."""
    board: tuple[Detection, ...]
    width: int
    """Of the picture, pixels; 0 when neither could decode it."""
    height: int
    jpeg: bytes | None = None
    """The picture, shrunk. Only the worst pictures have it: they stand in report.json itself."""

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "host": detections_json(self.host),
            "board": detections_json(self.board),
        }
        if self.jpeg is not None:
            data["jpeg"] = base64.b64encode(self.jpeg).decode("ascii")
        return data


@dataclass(frozen=True)
class PictureParity:
    """One picture on both machines."""

    name: str
    parts_at: ParityStage | None
    """The first stage that differs; None when all are the same."""
    same: int = 0
    """Confident detections that both have."""
    differing: int = 0
    """Confident detections that one has alone, or elsewhere, or with another score."""
    borderline: int = 0
    """Detections that one has alone and whose score is within the tolerance of the threshold."""
    output_delta: float | None = None
    """Largest difference of an output tensor's elements, over the largest magnitude in it; where outputs were compared
    by value."""
    note: str | None = None
    """What one of the machines said instead of detections."""
    sides: BothSides | None = None
    """Where they part."""

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "file_name": self.name,
            "parts_at": None if self.parts_at is None else self.parts_at.value,
            "same": self.same,
            "differing": self.differing,
            "borderline": self.borderline,
        }
        if self.output_delta is not None:
            data["output_delta"] = self.output_delta
        if self.note is not None:
            data["note"] = self.note
        if self.sides is not None:
            data["sides"] = self.sides.to_json()
        return data


@dataclass(frozen=True)
class Parity:
    """A board held against the host on some pictures, with one bundle."""

    host_runtime: str
    """Name and version of the runtime that the host ran the bundle on."""
    min_score: float
    score_tolerance: float
    pictures: tuple[PictureParity, ...]
    chain: tuple[ChainLink, ...] = ()
    """What each step from the source to the board does to the same pictures."""

    @property
    def differing(self) -> int:
        return sum(picture.differing for picture in self.pictures)

    @property
    def confident(self) -> int:
        """Detections that were compared: those that both have, and those that differ."""
        return self.differing + sum(picture.same for picture in self.pictures)

    @property
    def borderline(self) -> int:
        return sum(picture.borderline for picture in self.pictures)

    @property
    def parted(self) -> dict[ParityStage, int]:
        """How many pictures part at each stage, in the order of the stages; those where none does are absent."""
        counts = Counter(picture.parts_at for picture in self.pictures)
        return {stage: counts[stage] for stage in ParityStage if counts[stage]}

    def worst(self, count: int) -> Sequence[PictureParity]:
        """The pictures with the most differing detections, then those that part earliest; without those all alike."""
        stages = list(ParityStage)
        apart = [picture for picture in self.pictures if picture.parts_at is not None]
        apart.sort(key=lambda picture: (-picture.differing, stages.index(picture.parts_at or stages[-1]), picture.name))
        return apart[:count]

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "host_runtime": self.host_runtime,
            "min_score": self.min_score,
            "score_tolerance": self.score_tolerance,
            "pictures": [picture.to_json() for picture in self.pictures],
        }
        if self.chain:
            data["chain"] = [link.to_json() for link in self.chain]
        return data
