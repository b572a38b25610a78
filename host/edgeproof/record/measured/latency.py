"""What is kept of a latency: raw samples, what they amount to, and why a figure is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

PERCENTS = (50, 90, 95, 99)
"""The percentiles of a summary."""

Samples = npt.NDArray[np.int64]
"""Latencies in nanoseconds, [runs], in the order in which they were taken."""


@dataclass(frozen=True)
class LatencySummary:
    """One stage's latency. A percentile that the number of samples cannot carry is None; `reasons` says why."""

    runs: int
    mean_ms: float
    min_ms: float
    max_ms: float
    mad_ms: float
    """Median absolute deviation from the median, as it is (not scaled to a normal distribution's sigma)."""
    p50_ms: float | None = None
    p90_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Name of a field that is None to the reason, e.g. `p99_ms` to `p99 needs at least 662 samples, ...`."""


@dataclass(frozen=True)
class Drift:
    """Whether the samples of a run are alike: above 1 the board got slower while it was measured (heat, say)."""

    ratio: float | None
    """Median of the last third of the samples over the median of the first third."""
    reason: str | None = None
    """Why there is no ratio."""
