"""Whether a run changes while it is measured: blocks, the ratio of late to early ones, burst and sustained apart."""

import math
from dataclasses import dataclass

import numpy as np

from edgeproof.record.measured.latency import Samples
from edgeproof.verify.student import t_quantile
from edgeproof.verify.verdict import Interval

TOLERANCE = 0.02
"""A run whose late blocks are within this share of its early ones is one run."""
CONFIDENCE = 0.99
"""Two-sided, of the ratio's interval."""
BLOCKS = 15
_FEWEST_BLOCKS = 6
_FEWEST_IN_A_BLOCK = 5


@dataclass(frozen=True)
class BlockDrift:
    """Late blocks over early ones: above 1 the board got slower while it was measured."""

    ratio: float | None
    bounds: Interval | None
    reason: str | None = None
    """Why there is no ratio."""

    @property
    def apart(self) -> bool:
        """Whether burst and sustained must be told apart: the interval leaves no room for within `TOLERANCE`."""
        return self.bounds is not None and (self.bounds.low > 1.0 + TOLERANCE or self.bounds.high < 1.0 - TOLERANCE)


def block_drift(samples_ns: Samples) -> BlockDrift:
    """The ratio of the last third of a run's blocks to its first third, from the logarithms of the blocks' medians.

    The blocks' medians, not the samples, are taken as independent: neighbours in time are alike.
    """
    count = min(BLOCKS, len(samples_ns) // _FEWEST_IN_A_BLOCK)
    if count < _FEWEST_BLOCKS:
        fewest = _FEWEST_BLOCKS * _FEWEST_IN_A_BLOCK
        return BlockDrift(None, None, f"it needs at least {fewest} samples, there are {len(samples_ns)}")
    medians = np.array([np.median(block) for block in np.array_split(samples_ns, count)])
    if medians.min() <= 0:
        return BlockDrift(None, None, "the stage is too short for the board's clock")
    logs = np.log(medians)
    third = count // 3
    early, late = logs[:third], logs[-third:]
    difference = float(late.mean() - early.mean())
    freedom = 2 * (third - 1)
    spread = math.sqrt((float(early.var(ddof=1)) + float(late.var(ddof=1))) / third)
    half = t_quantile(0.5 + CONFIDENCE / 2.0, freedom) * spread
    return BlockDrift(math.exp(difference), Interval(math.exp(difference - half), math.exp(difference + half)))


def burst(samples_ns: Samples) -> Samples:
    """The first blocks of a run that changes: its first third, [runs // 3] in ns."""
    return samples_ns[: len(samples_ns) // 3]


def sustained(samples_ns: Samples) -> Samples:
    """The last blocks: its last third, [runs // 3] in ns."""
    return samples_ns[-(len(samples_ns) // 3) :]
