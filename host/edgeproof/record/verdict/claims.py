"""What a verdict is made of: claims, each with its value, its bounds, its limit and one of three answers."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class Answer(enum.Enum):
    """What can be said of a claim."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Claim:
    """One gate, held against what was measured."""

    gate: str
    """As it stands in edgeproof.toml, with its key ahead: `total p95 < 80 ms`."""
    answer: Answer
    limit: float
    """In `unit`, as are the value and its bounds."""
    unit: str
    value: float | None = None
    """What was measured; None where nothing was."""
    low: float | None = None
    """The true value is not below, at the stated confidence; None where no bound can be given."""
    high: float | None = None
    samples: int | None = None
    """How many samples the bounds rest on."""
    note: str | None = None
    """Why the answer is no better, and what is missing."""

    def to_json(self) -> dict[str, Any]:
        optional = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "samples": self.samples,
            "note": self.note,
        }
        return {
            "gate": self.gate,
            "answer": self.answer.value,
            "limit": self.limit,
            "unit": self.unit,
            **{name: value for name, value in optional.items() if value is not None},
        }


def combined(answers: Iterable[Answer]) -> Answer:
    """One answer for many: a single fail fails, and nothing passes on what was not told. No answers: inconclusive."""
    found = set(answers)
    if Answer.FAIL in found:
        return Answer.FAIL
    return Answer.PASS if found == {Answer.PASS} else Answer.INCONCLUSIVE
