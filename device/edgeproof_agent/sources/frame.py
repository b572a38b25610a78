"""A place for one frame of a source, and what every open source is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np


@dataclass
class FramePlace:
    """A place for one frame, used again and again."""

    picture: Optional[np.ndarray] = None
    """uint8 [H, W, 3] in BGR. The next frame into this place is written into the same memory where it can."""
    raw: Optional[np.ndarray] = None
    """The picture before it was turned, where it is."""
    started_at_ns: int = 0
    """When it was asked for, on the monotonic clock, as are the other moments."""
    capture_ns: int = 0
    """How long getting it took, the wait for it included."""
    decode_ns: int = 0
    """How long turning it into pixels took."""
    taken_at_ns: int = 0
    """When the camera took it, by its driver; where that is not told, when it arrived."""
    media_ns: int = 0
    """Its place in a video, from the start."""
    name: str = ""
    """Of the file that it is, where it is one."""
    trouble: str = ""
    """Why there is no picture in it; the source goes on."""


@dataclass(frozen=True)
class SourceFacts:
    """What a source turned out to be."""

    live: bool
    """Whether frames come at a pace of their own."""
    timestamps: str
    """Where `taken_at_ns` comes from: `driver`, `libcamera` or `arrival`."""
    width: Optional[int] = None
    height: Optional[int] = None
    fps: Optional[float] = None
    pixel_format: Optional[str] = None

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__}


class Capture(ABC):
    """An open source of frames."""

    facts: SourceFacts

    @abstractmethod
    def read(self, place: FramePlace) -> bool:
        """Reads the next frame into `place`. False at the end; of a live source that is its loss.

        Raises `CaptureError`.
        """

    @abstractmethod
    def release(self) -> None:
        """Lets go of what it has open."""


class CaptureError(Exception):
    """The source cannot be opened, or does not bring pictures."""
