"""One line of a diagnosis."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int | float | bool | None


class Level(enum.Enum):
    GOOD = "good"
    NOT_AVAILABLE = "not available"
    """The board does not tell, which is normal: an emulated one has no thermometer."""
    WARNING = "warning"
    BAD = "bad"
    """Nothing will run here, or no figure measured here can be trusted, until it is put right."""


@dataclass(frozen=True)
class Finding:
    name: str
    level: Level
    value: str
    """For people, printable, one line or a few."""
    remedy: str = ""
    """What to do; given with every warning and whatever is bad."""
    data: Mapping[str, Value] = field(default_factory=dict)
    """The same for programs, with units in the names."""


def good(name: str, value: str, **data: Value) -> Finding:
    return Finding(name, Level.GOOD, value, data=data)


def not_available(name: str, value: str = "not available") -> Finding:
    return Finding(name, Level.NOT_AVAILABLE, value)


def warning(name: str, value: str, remedy: str, **data: Value) -> Finding:
    return Finding(name, Level.WARNING, value, remedy, data)


def bad(name: str, value: str, remedy: str, **data: Value) -> Finding:
    return Finding(name, Level.BAD, value, remedy, data)
