"""What a user may say of a source that does not say it itself: heads, anchors, input range, score converter."""

import enum
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.errors import UsageError
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates

BOX_CONVENTIONS = ("box_coder", "box_order", "anchor_order", "anchor_units", "background_last")
INPUT_CONVENTIONS = ("colour_order", "mean", "std", "coordinates")
BOX_FIELDS = ("box_coder", "box_order", "anchor_format", "anchor_order", "box_scales")
"""That together say what box predictions mean."""
INPUT_FIELDS = ("colour_order", "mean", "std", "input_range")
"""The last stands for mean and std."""


class AnchorFormat(enum.Enum):
    CENTRE = "centre"
    """Centre y, centre x, height, width."""
    CORNERS = "corners"
    """ymin, xmin, ymax, xmax."""


class InputRange(enum.Enum):
    """The values that the network wants pixels in."""

    MINUS_ONE_TO_ONE = "-1..1"
    ZERO_TO_ONE = "0..1"
    BYTES = "0..255"

    @property
    def mean(self) -> float:
        return 127.5 if self is InputRange.MINUS_ONE_TO_ONE else 0.0

    @property
    def std(self) -> float:
        """Of `(pixel - mean) / std`."""
        return {InputRange.MINUS_ONE_TO_ONE: 127.5, InputRange.ZERO_TO_ONE: 255.0, InputRange.BYTES: 1.0}[self]


class ScoreConverter(enum.Enum):
    """What makes scores of the class predictions; the Object Detection API's `score_converter`."""

    IDENTITY = "identity"
    """They are scores already."""
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


@dataclass(frozen=True)
class SourceOptions:
    """Everything is found in the source itself, or has a default that is named in the output, when it is None."""

    boxes: str | None = None
    """Name of the box encodings: an output of the model, or a node of its graph."""
    scores: str | None = None
    anchors: str | None = None
    """A `.npy` or `.json` file, or the name of an output or node."""
    anchor_format: AnchorFormat | None = None
    box_scales: tuple[float, float, float, float] | None = None
    """Divisors of ty, tx, th, tw."""
    input_range: InputRange | None = None
    input_size: tuple[int, int] | None = None
    """Height and width, for a network that takes pictures of any size."""
    score_converter: ScoreConverter | None = None
    background: bool | None = None
    """Whether the first column of the class scores is the background."""
    background_last: bool | None = None
    """Whether the last column is the background instead."""
    usual_converter: ScoreConverter | None = None
    """What a family makes scores with: used where the network does not do it itself."""
    box_coder: BoxCoder | None = None
    box_order: CoordinateOrder | None = None
    anchor_order: CoordinateOrder | None = None
    anchor_units: AnchorUnits | None = None
    colour_order: ColourOrder | None = None
    mean: tuple[float, float, float] | None = None
    """Of each channel, in the network's colour order, of pixels in 0..255."""
    std: tuple[float, float, float] | None = None
    """Of `(pixel - mean) / std`; 1 when only the mean is given."""
    coordinates: Coordinates | None = None
    """How pictures are resized, bilinearly."""

    def __post_init__(self) -> None:
        scales = self.box_scales
        if scales is not None and not all(math.isfinite(scale) and scale > 0 for scale in scales):
            raise UsageError(f"--box-scales are {scales}; they must be four numbers above 0.")
        if self.input_size is not None and not all(1 <= side <= 8192 for side in self.input_size):
            raise UsageError(f"--input-size is {self.input_size}; both sides must be between 1 and 8192.")

        if (self.mean is not None or self.std is not None) and self.input_range is not None:
            raise UsageError("--input-range says mean and std already: leave it out, or --mean and --std.")
        if self.std is not None and not all(math.isfinite(value) and value > 0 for value in self.std):
            raise UsageError(f"--std is {self.std}; it must be three numbers above 0.")
        if self.mean is not None and not all(math.isfinite(value) for value in self.mean):
            raise UsageError(f"--mean is {self.mean}; it must be three numbers.")
        if self.background_last and self.background is not None:
            raise UsageError("--background-last goes without --background and --no-background.")

    @property
    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
        """Mean and std a channel, when they are said by themselves."""
        if self.mean is None and self.std is None:
            return None
        return self.mean or (0.0, 0.0, 0.0), self.std or (1.0, 1.0, 1.0)

    def require_none_said(self, file: str, why: str, *names: str) -> None:
        """Raises UsageError when one of the named fields was said: it would be passed over without a word."""
        said = [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None]
        if said:
            raise UsageError(f"{file}: {', '.join(said)} cannot be said of it: {why}. Leave it out.")

    @property
    def anchors_file(self) -> Path | None:
        """The file that `anchors` names; None when it names none, or an output."""
        if self.anchors is None:
            return None
        path = Path(self.anchors)
        return path if path.suffix.lower() in (".npy", ".json") or path.is_file() else None

    def require_files(self) -> None:
        """Raises UsageError when the file of the anchors is not there."""
        file = self.anchors_file
        if file is not None and not file.is_file():
            raise UsageError(f"{file}: there is no such file. Give the anchors as .npy or .json with --anchors.")

    def describe(self) -> Mapping[str, Any]:
        """What was said, for the provenance: a file by its digest, nothing that is None."""
        said: dict[str, Any] = {
            "boxes": self.boxes,
            "scores": self.scores,
            "anchors": self.anchors,
            "anchor_format": self.anchor_format and self.anchor_format.value,
            "box_scales": None if self.box_scales is None else list(self.box_scales),
            "input_range": self.input_range and self.input_range.value,
            "input_size": None if self.input_size is None else list(self.input_size),
            "score_converter": self.score_converter and self.score_converter.value,
            "background": self.background,
            "background_last": self.background_last,
            "usual_converter": self.usual_converter and self.usual_converter.value,
            "box_coder": self.box_coder and self.box_coder.value,
            "box_order": self.box_order and self.box_order.value,
            "anchor_order": self.anchor_order and self.anchor_order.value,
            "anchor_units": self.anchor_units and self.anchor_units.value,
            "colour_order": self.colour_order and self.colour_order.value,
            "mean": None if self.mean is None else list(self.mean),
            "std": None if self.std is None else list(self.std),
            "coordinates": self.coordinates and self.coordinates.value,
        }
        file = self.anchors_file
        if file is not None:
            said["anchors"] = sha256_of_file(file) if file.is_file() else None
        return {name: value for name, value in said.items() if value is not None}


def parse_box_scales(text: str) -> tuple[float, float, float, float]:
    """Reads `10,10,5,5`. Raises UsageError."""
    try:
        y, x, height, width = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--box-scales is {text!r}; give four numbers for y, x, height, width: 10,10,5,5.") from None
    return y, x, height, width


def parse_channels(text: str, option: str) -> tuple[float, float, float]:
    """Reads `123.68,116.779,103.939`, or one number for all channels. Raises UsageError."""
    try:
        values = [float(part) for part in text.split(",")]
        first, second, third = values * 3 if len(values) == 1 else values
    except ValueError:
        raise UsageError(f"{option} is {text!r}; give one number, or one a channel: 123.68,116.779,103.939.") from None
    return first, second, third


def parse_input_size(text: str) -> tuple[int, int]:
    """Reads height and width from `320x240`, or one side of a square from `320`. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
    if match is None:
        raise UsageError(f"--input-size is {text!r}; give height and width like 320x240, or 320 for a square.")
    return int(match[1]), int(match[2] or match[1])
