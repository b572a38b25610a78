"""The binomial distribution, by sums that hold for any number of samples, and what follows from it."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_HALVINGS = 44  # to 1e-13


@lru_cache(maxsize=4)  # an array may be megabytes
def _probabilities(runs: int, probability: float) -> npt.NDArray[np.float64]:
    """P(X = k) for k in 0..runs: float64 [runs + 1]. Summed as logarithms, since 0.5 ** 2000 is no float any more."""
    hits = np.arange(runs, dtype=np.float64)
    steps = np.log((runs - hits) / (hits + 1.0)) + np.log(probability) - np.log1p(-probability)
    logs = np.concatenate([[0.0], np.cumsum(steps)]) + runs * np.log1p(-probability)
    probabilities: npt.NDArray[np.float64] = np.exp(logs)
    return probabilities


def chance_of_at_most(count: int, runs: int, probability: float) -> float:
    """The binomial distribution function: P(X <= count) for X ~ Bin(runs, probability), 0 < probability < 1."""
    if count < 0:
        return 0.0
    return min(float(np.sum(_probabilities(runs, probability)[: count + 1])), 1.0)


@lru_cache(maxsize=1024)
def lower_rank(runs: int, probability: float, doubt: float) -> int:
    """The largest rank (1 is the smallest sample) that lies above the quantile with at most the chance `doubt`.

    0 when there is none. A sample of rank r lies above the quantile only when fewer than r samples lie at or below it.
    """
    below = np.cumsum(_probabilities(runs, probability))
    return int(np.searchsorted(below, doubt, side="right"))


@lru_cache(maxsize=1024)
def upper_rank(runs: int, probability: float, doubt: float) -> int:
    """The smallest rank that lies below the quantile with at most the chance `doubt`; runs + 1 when there is none."""
    return runs + 1 - lower_rank(runs, 1.0 - probability, doubt)


def share_bounds(hits: int, trials: int, confidence: float) -> tuple[float, float]:
    """The two-sided interval of a share by Clopper and Pearson (Biometrika 26, 1934); it covers at least that often.

    No trials: (0, 1).
    """
    doubt = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else _share_where(lambda share: 1.0 - chance_of_at_most(hits - 1, trials, share), doubt)
    high = 1.0 if hits == trials else 1.0 - _share_where(lambda rest: chance_of_at_most(hits, trials, 1 - rest), doubt)
    return low, high


def _share_where(rising: Callable[[float], float], value: float) -> float:
    """Where a function that rises with a share in 0..1 takes a value."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2.0
