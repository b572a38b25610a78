"""Bounds of a percentile from order statistics, without assuming a distribution; and how many samples a gate needs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.record.measured.latency import Samples
from edgeproof.verify.binomial import lower_rank, upper_rank
from edgeproof.verify.latency import ALLOWED_ABOVE, CONFIDENCE, percentile_ns, samples_needed
from edgeproof.verify.verdict import Comparison, Interval

MOST_RUNS = 100_000
"""What a run is asked to have at most; a gate that needs more is too near to its limit to be told from it."""

_SIGNIFICANT = 2.6
"""Standard errors from which samples count as hanging together: 1 of 100 independent runs is taken for such."""
_FEWEST_ABOVE = 40
"""Samples above the value on whose crossing the autocorrelation is told."""


@dataclass(frozen=True)
class Percentile:
    """A percentile of one stage in one window of a run."""

    value_ms: float
    bounds_ms: Interval
    samples: int
    independent: int
    """How many independent samples they are worth."""


def percentile_of(samples_ns: Samples, percent: int, confidence: float = CONFIDENCE) -> Percentile:
    """A percentile with its bounds, each of which holds with `confidence`, one-sided.

    Samples that hang together (a clock that wanders, a neighbour that comes and goes) carry less than their number
    says; the ranks are those of as many independent ones as they are worth. Raises `ValueError` without samples.
    """
    worth = independent_samples(samples_ns, percent)
    return Percentile(
        value_ms=percentile_ns(samples_ns, percent) / 1e6,
        bounds_ms=bounds_ms(samples_ns, percent, confidence, worth),
        samples=len(samples_ns),
        independent=worth,
    )


def bounds_ms(samples_ns: Samples, percent: int, confidence: float, independent: int) -> Interval:
    """The samples at the ranks that `independent` samples would have; a side that they cannot bound is infinite.

    At least `ALLOWED_ABOVE` samples lie outside on either side: no single stray one is a bound.
    """
    runs, quantile, doubt = len(samples_ns), percent / 100.0, 1.0 - confidence
    ordered = np.sort(samples_ns)
    low = lower_rank(independent, quantile, doubt)
    high = upper_rank(independent, quantile, doubt)
    scale = runs / independent
    below = max(math.floor(low * scale), 1) - 1
    above = min(math.ceil(high * scale), runs) - 1
    return Interval(
        float(ordered[below]) / 1e6 if low > ALLOWED_ABOVE else -math.inf,
        float(ordered[above]) / 1e6 if high <= independent - ALLOWED_ABOVE else math.inf,
    )


def independent_samples(samples_ns: Samples, percent: int) -> int:
    """How many independent samples these are worth to a percentile.

    Twice asked, by the samples' ranks (a spike does not move them) and by whether they lie above the percentile, since
    what hangs together around the median does so less in the tail. The first answer is too strict there, and the second
    rests on few samples: the geometric mean of both holds its rate in simulation (docs/reference/error-rates.md).
    """
    runs = len(samples_ns)
    if runs < 4 or np.ptp(samples_ns) == 0:
        return runs
    ranks = np.argsort(np.argsort(samples_ns, kind="stable"), kind="stable")
    share = max(min(percent / 100.0, 1.0 - _FEWEST_ABOVE / runs), 0.5)
    above = samples_ns > np.quantile(samples_ns, share)
    return max(1, int(math.sqrt(_worth(ranks) * _worth(above))))


def _worth(series: npt.NDArray[Any]) -> float:
    """n / (1 + 2 times the sum of the autocorrelations of a series [n]); n where they are none to speak of.

    Lags are summed in pairs as long as a pair is positive (C. J. Geyer, 'Practical Markov chain Monte Carlo',
    Statistical Science 7, 1992).
    """
    runs = len(series)
    centred = series.astype(np.float64) - series.mean()
    if not centred.any():
        return runs
    size = 1 << (2 * runs - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    correlations = np.fft.irfft(power, size)[:runs]
    correlations /= correlations[0]
    if correlations[1] <= _SIGNIFICANT / math.sqrt(runs):
        return runs
    pairs = correlations[1 : runs - (runs - 1) % 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    return min(runs, runs / (1.0 + 2.0 * float(pairs[: ends[0] if len(ends) else len(pairs)].sum())))


def runs_needed(samples_ns: Samples, percent: int, comparison: Comparison, limit_ms: float) -> int | None:
    """With how many samples a gate that is open now would likely be told, if they go on as they are.

    None when more than `MOST_RUNS` would be needed. A first answer is what the percentile needs to be bounded at all.
    """
    runs, worth = len(samples_ns), independent_samples(samples_ns, percent)
    fewest = math.ceil(samples_needed(percent) * runs / worth)
    if runs < fewest:
        return fewest if fewest <= MOST_RUNS else None
    held = sum(comparison.holds(value, limit_ms) for value in (samples_ns / 1e6).tolist()) / runs
    distance = held - percent / 100.0
    if distance == 0.0:
        return None
    quantile, doubt = percent / 100.0, 1.0 - CONFIDENCE
    needed = worth
    while needed <= MOST_RUNS:
        needed = math.ceil(needed * 1.1)
        told = (
            upper_rank(needed, quantile, doubt) <= math.floor(needed * held)
            if distance > 0
            else lower_rank(needed, quantile, doubt) > math.ceil(needed * held)
        )
        if told:
            total = math.ceil(needed * runs / worth)
            return total if total <= MOST_RUNS else None
    return None
