"""Three answers: an interval wholly on the right side of a limit passes, wholly on the wrong fails, else neither."""

import enum
import math
from dataclasses import dataclass

from edgeproof.record.verdict.claims import Answer


class Comparison(enum.Enum):
    """On which side of its limit a value must be."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="

    @property
    def bounds_from_above(self) -> bool:
        return self in (Comparison.BELOW, Comparison.AT_MOST)

    def holds(self, value: float, limit: float) -> bool:
        """For a value that is known exactly."""
        if self is Comparison.BELOW:
            return value < limit
        if self is Comparison.AT_MOST:
            return value <= limit
        return value > limit if self is Comparison.ABOVE else value >= limit


@dataclass(frozen=True)
class Interval:
    """Where the true value lies at the stated confidence. A side that cannot be bounded is infinite."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"no interval: {self.low} to {self.high}")

    @classmethod
    def exact(cls, value: float) -> "Interval":
        return cls(value, value)

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def finite_low(self) -> float | None:
        return self.low if math.isfinite(self.low) else None

    @property
    def finite_high(self) -> float | None:
        return self.high if math.isfinite(self.high) else None


UNKNOWN = Interval(-math.inf, math.inf)
"""Nothing was measured."""


def judge(interval: Interval, comparison: Comparison, limit: float) -> Answer:
    """Pass when the comparison holds for every value of the interval, fail when it holds for none."""
    worst, best = (interval.high, interval.low) if comparison.bounds_from_above else (interval.low, interval.high)
    if comparison.holds(worst, limit):
        return Answer.PASS
    return Answer.INCONCLUSIVE if comparison.holds(best, limit) else Answer.FAIL
