"""Which of two is faster, and by how much: ABBA blocks in one session, ratio of their medians with a t interval."""

import enum
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.record.measured.latency import Samples
from edgeproof.record.run import Run
from edgeproof.record.verdict.comparison import Comparison, StageRatio
from edgeproof.verify.latency import percentile_ns
from edgeproof.verify.state import void_reasons
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

    The t interval is the wider one of two: over the pairs, and over each AB with the BA after it. A drift tips AB and
    BA to opposite sides, which the first takes for scatter; neighbours in time that are alike make pairs alike, which
    only the second sees. Raises `ValueError` for fewer than `FEWEST_PAIRS` pairs, and for a stage too short for the
    clock.
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
    fours = logs[: len(logs) // 2 * 2].reshape(-1, 2).mean(axis=1)
    half = max(_half_width(logs, confidence), _half_width(fours, confidence))
    return Ratio(math.exp(mean), Interval(math.exp(mean - half), math.exp(mean + half)), len(logs))


def _half_width(values: npt.NDArray[np.float64], confidence: float) -> float:
    """Of the t interval of their mean."""
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return t_quantile(0.5 + confidence / 2.0, len(values) - 1) * error


def comparison_of(a: Run, b: Run, pairs: int, block_runs: int) -> Comparison:
    """From the samples of both, which lie in blocks of `block_runs`. A stage too short for the clock is left out."""
    assert a.latency is not None
    assert b.latency is not None
    stages: dict[str, StageRatio] = {}
    for stage in a.latency.samples_ns:
        one, other = a.latency.samples_ns[stage], b.latency.samples_ns.get(stage)
        if other is None or percentile_ns(one, 1) <= 0 or percentile_ns(other, 1) <= 0:
            continue
        found = ratio_of_blocks(np.split(one, pairs), np.split(other, pairs))
        difference_ms = (percentile_ns(other, 50) - percentile_ns(one, 50)) / 1e6
        stages[stage] = StageRatio(found.ratio, found.bounds.low, found.bounds.high, difference_ms)
    void = dict.fromkeys(
        reason
        for run in (a, b)
        if run.latency is not None
        for reason in void_reasons(
            run.latency.before, run.latency.after, run.load.threads if run.load else None, run.latency.timeline
        )
    )
    return Comparison(0, 1, pairs, block_runs, stages, tuple(void))
