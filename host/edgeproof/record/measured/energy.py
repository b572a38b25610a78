"""What an inference takes of a board's energy, and what that figure rests on."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeproof_agent.wire.fields import Fields

POWER_KINDS = ("meter", "pmic")
_MOST_READINGS = 1_000_000


class SourceClass(enum.Enum):
    """How far a source's readings are those of the whole board."""

    METER = "meter"
    """A sensor in the supply."""
    PMIC_CORRECTED = "pmic corrected"
    """A Raspberry Pi 5's power chip, with what it does not see added by one user's fit, whose error is unknown."""
    PMIC_RAW = "pmic raw"
    """The same as it reads: what flows out of its regulators."""


@dataclass(frozen=True)
class PowerReadings:
    """As a board gave them."""

    source: str
    """What the source calls itself."""
    kind: str
    """`meter` or `pmic`."""
    seconds: float
    """For how long it measured."""
    watts: tuple[float, ...]
    """While it measured, in the order of their taking."""
    idle_watts: tuple[float, ...] = ()
    """Ahead of it, with nothing to do; empty where that was not asked for."""


def joined_power(parts: Sequence[PowerReadings]) -> PowerReadings:
    """Of parts that were measured one after the other."""
    return replace(
        parts[0],
        seconds=sum(part.seconds for part in parts),
        watts=tuple(watts for part in parts for watts in part.watts),
    )


def read_power(fields: Fields) -> PowerReadings:
    """Raises `FieldError`."""
    return PowerReadings(
        fields.text("source"),
        fields.choice("kind", POWER_KINDS),
        fields.number("seconds", low=0),
        tuple(fields.numbers_up_to("watts", _MOST_READINGS)),
        tuple(fields.numbers_up_to("idle_watts", _MOST_READINGS)),
    )


@dataclass(frozen=True)
class Joules:
    """An inference's energy. The interval (95 %, two-sided) is of the readings' scatter, not of the source's error."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Energy:
    """By one source in one class."""

    source: str
    source_class: SourceClass
    watts: float
    """On average while it measured."""
    readings: int
    gross: Joules
    """All that the board drew meanwhile."""
    idle_watts: float | None = None
    net: Joules | None = None
    """With what it draws idle taken off; None where that was not measured."""

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "source": self.source,
            "class": self.source_class.value,
            "watts": self.watts,
            "readings": self.readings,
            "gross_joules": vars(self.gross),
        }
        if self.idle_watts is not None and self.net is not None:
            data |= {"idle_watts": self.idle_watts, "net_joules": vars(self.net)}
        return data


def read_energy(fields: Fields) -> Energy:
    """Raises `FieldError`."""
    return Energy(
        source=fields.text("source"),
        source_class=SourceClass(fields.choice("class", [one.value for one in SourceClass])),
        watts=fields.number("watts"),
        readings=fields.integer("readings", low=1),
        gross=_joules(fields.nested("gross_joules")),
        idle_watts=fields.number("idle_watts") if "idle_watts" in fields else None,
        net=_joules(fields.nested("net_joules")) if "net_joules" in fields else None,
    )


def _joules(fields: Fields) -> Joules:
    return Joules(fields.number("value"), fields.number("low"), fields.number("high"))
