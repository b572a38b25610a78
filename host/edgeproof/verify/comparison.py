"""Which of two is faster, and by how much: ABBA blocks in one session, ratio of their medians with a t interval."""

import enum
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgeproof.record.latency import Samples
from edgeproof.verify.student import t_quantile
from edgeproof.verify.verdict import Interval

CONFIDENCE = 0.95
"""Two-sided, of the ratio's interval."""
FEWEST_PAIRS = 10
"""Block pairs below which no interval is given: with fewer a single odd block decides."""


class Side(enum.Enum):
    """One of the two that are compared."""

    A = "A"
    B = "B"


@dataclass(frozen=True)
class Ratio:
    """How long B takes over how long A takes: 0.5 is twice as fast."""

    ratio: float
    bounds: Interval
    pairs: int

    @property
    def told_apart(self) -> bool:
        return not self.bounds.contains(1.0)


def abba_order(pairs: int) -> Iterator[Side]:
    """A B, B A, A B ...: each block of one stands as often ahead of the other's as behind it.

    So what rises steadily while both are measured (heat) adds as much to one as to the other.
    """
    for number in range(pairs):
        yield from (Side.A, Side.B) if number % 2 == 0 else (Side.B, Side.A)


def ratio_of_blocks(
    a_blocks_ns: Sequence[Samples], b_blocks_ns: Sequence[Samples], confidence: float = CONFIDENCE
) -> Ratio:
    """B over A from blocks in `abba_order`: exp of the mean of the logarithms of the ratios of the blocks' medians.

    The t interval is over the pairs. A drift tips AB and BA to opposite sides: it widens the interval and leaves its
    middle where it is, when their number is even. Raises `ValueError` for fewer than `FEWEST_PAIRS` pairs, and for a
    stage too short for the clock.
    """
    if len(a_blocks_ns) != len(b_blocks_ns) or len(a_blocks_ns) < FEWEST_PAIRS:
        raise ValueError(
            f"a comparison needs {FEWEST_PAIRS} blocks of each at least, there are {len(a_blocks_ns)} and "
            f"{len(b_blocks_ns)}"
        )
    a, b = (np.array([np.median(block) for block in blocks]) for blocks in (a_blocks_ns, b_blocks_ns))
    if min(a.min(), b.min()) <= 0:
        raise ValueError("the stage is too short for the board's clock")
    logs = np.log(b / a)
    mean = float(logs.mean())
    half = t_quantile(0.5 + confidence / 2.0, len(logs) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return Ratio(math.exp(mean), Interval(math.exp(mean - half), math.exp(mean + half)), len(logs))
