"""Who wants a stream's detections and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

from edgeproof.record.detections import SourceTold, StreamFrame
from edgeproof.record.pictures import Picture


@dataclass(frozen=True)
class FrameListener:
    """Hands each frame's detections to a function; asks the board for neither pictures nor its state."""

    on_frame: Callable[[Picture], object]
    picture_seconds: float = 0.0
    state_seconds: float = 0.0

    def running(self, model: str) -> None: ...

    def opened(self, told: SourceTold) -> None: ...

    def word(self, text: str) -> None: ...

    def frame(self, frame: StreamFrame, picture: Picture) -> None:  # noqa: ARG002
        self.on_frame(picture)
