"""The limits in force while a model runs: its memory, the size of pictures, and a deadline for each step."""

import contextlib
from dataclasses import dataclass, field
from typing import Any, Optional

from edgeproof_agent.machine.memory_limit import BYTES_A_PIXEL
from edgeproof_agent.pictures.opencv import MAX_PIXELS
from edgeproof_agent.serve.watchdog import INFERENCE_SECONDS, LOAD_SECONDS, Watchdog
from edgeproof_agent.wire.answering import Exchange
from edgeproof_agent.wire.fields import Fields

_LOW_SECONDS, _HIGH_SECONDS = 0.1, 3600.0
_MIB = 1 << 20


@dataclass
class RunLimits:
    """Of one agent process."""

    watchdog: Watchdog = field(default_factory=Watchdog)
    memory_bytes: Optional[int] = None
    """What this process may take: see `memory_limit`."""
    load_seconds: float = LOAD_SECONDS
    inference_seconds: float = INFERENCE_SECONDS

    @property
    def max_pixels(self) -> int:
        """The largest picture that is decoded."""
        return MAX_PIXELS if self.memory_bytes is None else min(MAX_PIXELS, self.memory_bytes // BYTES_A_PIXEL)

    def set_from(self, fields: Fields) -> None:
        """Takes the deadlines that a host sets. Raises `FieldError` when one is out of bounds."""
        load_seconds, inference_seconds = (
            fields.number(name, default=default, low=_LOW_SECONDS, high=_HIGH_SECONDS)
            for name, default in (("load_seconds", LOAD_SECONDS), ("inference_seconds", INFERENCE_SECONDS))
        )
        self.load_seconds, self.inference_seconds = load_seconds, inference_seconds

    def loading(self, exchange: Exchange, what: str) -> contextlib.AbstractContextManager[None]:
        """See `Watchdog.limit`."""
        return self.watchdog.limit(exchange, self.load_seconds, what)

    def inference(self, exchange: Exchange, what: str) -> contextlib.AbstractContextManager[None]:
        """See `Watchdog.limit`."""
        return self.watchdog.limit(exchange, self.inference_seconds, what)

    def memory_words(self) -> str:
        """To follow a runtime's error: it does not say that memory was what it had too little of."""
        if self.memory_bytes is None:
            return ""
        return f" (of this board's memory the agent may take {self.memory_bytes // _MIB} MiB)"

    def to_json(self) -> dict[str, Any]:
        return {
            "memory_mib": None if self.memory_bytes is None else self.memory_bytes / _MIB,
            "picture_pixels": self.max_pixels,
            "load_seconds": self.load_seconds,
            "inference_seconds": self.inference_seconds,
        }
