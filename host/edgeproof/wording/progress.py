"""What a long job tells whoever watches it: plain events, so that the command line, a test or nothing can listen."""

import enum
from collections.abc import Callable
from dataclasses import dataclass


class ProgressKind(enum.Enum):
    STEP = "step"
    """Work goes on; `done` of `total` when that is known."""
    NOTE = "note"
    """Something that is worth a line of its own."""
    WARNING = "warning"
    """The job goes on, but its result may not be what the user expects."""


class ProgressUnit(enum.Enum):
    BYTES = "bytes"
    ITEMS = "items"


@dataclass(frozen=True)
class Progress:
    text: str
    kind: ProgressKind = ProgressKind.STEP
    done: int = 0
    total: int | None = None
    """None when nobody can know how much there is."""
    unit: ProgressUnit = ProgressUnit.ITEMS


ProgressListener = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Listens to nothing."""
