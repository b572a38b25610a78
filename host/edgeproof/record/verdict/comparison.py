"""Two runs that were measured side by side on one board, block by block."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StageRatio:
    """How long a stage of B takes over how long it takes in A."""

    ratio: float
    low: float
    """The true ratio is in low..high, 95 % two-sided."""
    high: float
    difference_ms: float
    """Median of B's samples less that of A's."""

    @property
    def told_apart(self) -> bool:
        return not self.low <= 1.0 <= self.high


@dataclass(frozen=True)
class Comparison:
    """ABBA: blocks of B's run against blocks of A's; the samples of each lie in them in the order of their taking."""

    a: int
    """A's place among the report's runs."""
    b: int
    pairs: int
    block_runs: int
    """Samples a block."""
    stages: Mapping[str, StageRatio]
    void: tuple[str, ...] = ()
    """Why it says nothing of the board: what was going on there meanwhile."""

    @property
    def deciding_stage(self) -> str | None:
        """The stage that makes most of the difference in total; None when no stage goes its way."""
        total = self.stages.get("total")
        sign = -1.0 if total is not None and total.difference_ms < 0 else 1.0
        parts = {name: sign * stage.difference_ms for name, stage in self.stages.items() if name != "total"}
        most = max(parts, key=lambda name: parts[name], default=None)
        return most if most is not None and parts[most] > 0 else None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "a": self.a,
            "b": self.b,
            "pairs": self.pairs,
            "block_runs": self.block_runs,
            "stages": {
                name: {
                    "ratio": stage.ratio,
                    "low": stage.low,
                    "high": stage.high,
                    "difference_ms": stage.difference_ms,
                }
                for name, stage in self.stages.items()
            },
        }
        if self.void:
            data["void"] = list(self.void)
        return data
