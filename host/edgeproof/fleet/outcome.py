"""What came of a job on a board."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeproof.fleet.reasons import Reason

OK, UNHEALTHY, ERROR, INCONCLUSIVE = 0, 1, 2, 3
_BY_WEIGHT = (OK, INCONCLUSIVE, UNHEALTHY, ERROR)
"""Exit statuses from the best to the worst."""


@dataclass(frozen=True)
class Done:
    """What a job gives back that came to its end."""

    words: str
    """One line for a table."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The same for a program, as JSON has it."""
    status: int = OK
    result: Any = None
    """What later steps on this machine need."""
    reason: Reason | None = None
    """Why it ended early, where what had come until then is kept."""


@dataclass(frozen=True)
class Outcome:
    board: str
    seconds: float
    done: Done | None = None
    reason: Reason | None = None
    """None where the job came to its end."""
    message: str = ""
    """The error's own words, its remedy among them."""

    @property
    def status(self) -> int:
        if self.reason is Reason.NOT_BEGUN:
            return INCONCLUSIVE  # nobody can say how it would have gone
        return ERROR if self.done is None or self.reason is not None else self.done.status

    @property
    def words(self) -> str:
        """One line for a table."""
        if self.done is not None:
            return self.done.words
        return self.reason.value if self.reason is not None else ""

    @property
    def may_succeed(self) -> bool:
        return self.reason is not None and self.reason.may_succeed

    def to_json(self) -> dict[str, Any]:
        return {
            "board": self.board,
            "status": self.status,
            "reason": None if self.reason is None else self.reason.name.lower(),
            "may_succeed": self.may_succeed,
            "words": self.words,
            "message": self.message or None,
            "seconds": round(self.seconds, 3),
            "data": {} if self.done is None else dict(self.done.data),
        }


def worst_status(outcomes: Iterable[Outcome]) -> int:
    """The exit status for all: a failure counts more than an unhealthy board, that more than one nobody can judge."""
    return max((outcome.status for outcome in outcomes), key=_BY_WEIGHT.index, default=OK)


def by_reason(outcomes: Sequence[Outcome]) -> dict[Reason, list[Outcome]]:
    """What failed, the most frequent reason first."""
    found: dict[Reason, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.reason is not None:
            found.setdefault(outcome.reason, []).append(outcome)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
