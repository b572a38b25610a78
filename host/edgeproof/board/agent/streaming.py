"""A stream of frames from the agent: how it is asked for, and what comes ahead of its answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgeproof.board.link.conversation import Reply
from edgeproof.record.detections import SourceTold, StreamFrame
from edgeproof.wording.printable import printable
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.wire.answering import MAX_MESSAGE_CHARACTERS
from edgeproof_agent.wire.fields import FieldError, Fields

_MAX_SIDE = 1 << 16
_WORDS_AT_ONCE, _WORDS_A_SECOND = 100, 20.0
"""How many events without a frame an honest agent may send."""


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is wanted."""

    capture: CaptureSettings = field(default_factory=CaptureSettings)
    seconds: float | None = None
    """After which the board ends it; None for as long as frames come."""
    overlap: bool = True
    """Capture beside inference; without it in turn, which gives clean timings."""
    jpeg_every: int = 0
    """Every so manieth frame brings its picture along."""
    jpeg_seconds: float = 0.0
    """Or one when the last is so long ago."""
    state_seconds: float = 0.0
    """The board's state goes along when the last is so long ago; 0 for never."""

    def to_json(self) -> dict[str, Any]:
        plain = CaptureSettings()
        capture = {key: value for key, value in vars(self.capture).items() if value != getattr(plain, key)}
        data: dict[str, Any] = {"overlap": self.overlap, "jpeg_every": self.jpeg_every}
        if capture:
            data["capture"] = capture
        if self.seconds is not None:
            data["seconds"] = self.seconds
        for name in ("jpeg_seconds", "state_seconds"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        return data


SourceWord = SourceTold | str
"""What a source was found to be once it was opened; or, in words, what befell it."""


class StreamListener:
    """Takes the events of one stream in, and answers each frame."""

    def __init__(
        self,
        frames: int,
        read_frame: Callable[[int, Reply], StreamFrame],
        on_frame: Callable[[StreamFrame], bool],
        on_word: Callable[[SourceWord], None],
    ) -> None:
        self.arrived = 0
        self.told: SourceTold | None = None
        self._frames = frames
        self._read_frame = read_frame
        self._on_frame = on_frame
        self._on_word = on_word
        self._stopping = False
        self._words = 0
        self._started = time.monotonic()

    def on_event(self, name: str, event: Reply) -> str | None:
        """What the agent is to be told: to go on, to stop, or nothing. Raises `FieldError`."""
        if name == "frame":
            return self._frame(event)
        self._words += 1
        if self._words > _WORDS_AT_ONCE + _WORDS_A_SECOND * (time.monotonic() - self._started):
            raise FieldError("it talks and sends no frames")
        if name == "source":
            self.told = _source_told(event.fields.nested("facts"))
            self._on_word(self.told)
        elif name == "notice":
            self._on_word(printable(event.fields.text("text", max_length=MAX_MESSAGE_CHARACTERS)))
        elif name != "idle":
            raise FieldError("it told something else than frames")
        return None

    def _frame(self, event: Reply) -> str | None:
        index = event.fields.integer("index", low=self.arrived, high=self.arrived)
        self.arrived += 1
        if self.arrived > self._frames:
            raise FieldError(f"{self._frames} frames were asked for, and more came")
        if self._stopping:
            return None  # was under way when the agent was told to stop
        self._stopping = not self._on_frame(self._read_frame(index, event))
        return "stop" if self._stopping else "more"


def _source_told(facts: Fields) -> SourceTold:
    return SourceTold(
        live=facts.flag("live"),
        timestamps=facts.choice("timestamps", ("driver", "libcamera", "arrival")),
        width=facts.integer("width", low=1, high=_MAX_SIDE) if "width" in facts else None,
        height=facts.integer("height", low=1, high=_MAX_SIDE) if "height" in facts else None,
        fps=facts.number("fps", low=0) if "fps" in facts else None,
        pixel_format=printable(facts.text("pixel_format", max_length=8)) if "pixel_format" in facts else None,
    )
