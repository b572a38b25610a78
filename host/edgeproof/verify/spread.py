"""How much boards of one kind differ from each other, against how much each differs from itself."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from edgeproof.verify.student import t_quantile

FEWEST_BOARDS = 3
FEWEST_SESSIONS = 2
_CONFIDENCE = 0.95
_HALVINGS = 80
_ALARM = 0.05
"""How often one of boards that are all alike is called odd."""
_MOST_ODD = 8
"""Of so many boards one may be odd; where more are, there is no kind that they depart from."""


@dataclass(frozen=True)
class Share:
    """A standard deviation as a share of the median, 0.03 for 3 %, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    median_ms: float
    """Over the boards' means of their sessions."""
    between: Share
    """Between boards, what each one's own sessions differ by taken out."""
    within: Share
    """Between sessions of one board."""
    ratios: Mapping[str, float]
    """Board to its own value over the median."""
    odd: tuple[str, ...]
    """Boards that no normal distribution of the others explains, and that differ by more than sessions do."""

    @property
    def told_apart(self) -> bool:
        """Whether boards differ by more than chance would have them."""
        return self.between.low > 0


def spread_of(sessions_ms: Mapping[str, Sequence[float]]) -> Spread:
    """One-way analysis of variance with random effects of logarithms, whose differences are ratios.

    `sessions_ms`: board to a latency (say a median) of each of its sessions, equally many of each. The interval of what
    is between is the modified large-sample one of a difference of variances. Raises `ValueError`
    for fewer than three boards or two sessions.
    """
    counts = {len(values) for values in sessions_ms.values()}
    if len(sessions_ms) < FEWEST_BOARDS or len(counts) != 1 or min(counts) < FEWEST_SESSIONS:
        raise ValueError(
            f"{FEWEST_BOARDS} boards with {FEWEST_SESSIONS} sessions each are the least, equally many of each"
        )
    (sessions,) = counts
    logs = {board: [math.log(value) for value in values] for board, values in sessions_ms.items()}
    means = {board: statistics.fmean(values) for board, values in logs.items()}
    boards = len(means)
    within_freedom = boards * (sessions - 1)
    within = sum((value - means[board]) ** 2 for board, values in logs.items() for value in values) / within_freedom
    of_means = statistics.variance(means.values())
    part = within / sessions

    low, high = _difference_bounds(of_means, boards - 1, part, within_freedom)
    within_low, within_high = _variance_bounds(within, within_freedom)
    middle = statistics.median(means.values())
    ratios = {board: math.exp(mean - middle) for board, mean in means.items()}
    return Spread(
        math.exp(middle),
        Share(_root(of_means - part), _root(low), _root(high)),
        Share(math.sqrt(within), math.sqrt(within_low), math.sqrt(within_high)),
        ratios,
        _odd_ones(means, math.sqrt(part)),
    )


def _odd_ones(means: Mapping[str, float], noise: float) -> tuple[str, ...]:
    """Rosner's generalized extreme Studentized deviate test (Technometrics 25, 1983), which two that are odd alike do
    not deceive; none that is as near to the others as its own sessions are to each other."""
    left, taken, odd = dict(means), list[str](), 0
    for number in range(1, max(1, len(means) // _MOST_ODD) + 1):
        middle, deviation = statistics.fmean(left.values()), statistics.stdev(left.values())
        farthest = max(left, key=lambda board: abs(left[board] - middle))
        distance = abs(left.pop(farthest) - middle)
        taken.append(farthest)
        if distance > _critical(len(means), number) * deviation and distance > 2 * noise:
            odd = number
    return tuple(board for board in means if board in taken[:odd])


def _critical(boards: int, number: int) -> float:
    freedom = boards - number - 1
    t = t_quantile(1 - _ALARM / (2 * (boards - number + 1)), freedom)
    return (boards - number) * t / math.sqrt((freedom + t * t) * (boards - number + 1))


def _root(variance: float) -> float:
    return math.sqrt(max(0.0, variance))


def _difference_bounds(first: float, freedom: int, second: float, second_freedom: int) -> tuple[float, float]:
    """Of one variance less another: Burdick and Graybill, Confidence Intervals on Variance Components (1992), 3.3."""
    (low, high), (second_low, second_high) = _variance_bounds(first, freedom), _variance_bounds(second, second_freedom)
    difference = first - second
    below = math.hypot(first - low, second_high - second)
    above = math.hypot(high - first, second - second_low)
    return difference - below, difference + above


def _variance_bounds(variance: float, freedom: int) -> tuple[float, float]:
    tail = (1 - _CONFIDENCE) / 2
    return variance * freedom / chi_squared(1 - tail, freedom), variance * freedom / chi_squared(tail, freedom)


@lru_cache(maxsize=64)
def chi_squared(probability: float, freedom: int) -> float:
    """The quantile: what a sum of `freedom` squared normal variables does not exceed with `probability`."""
    low, high = 0.0, 10.0 * freedom + 100.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _chi_squared_below(middle, freedom) < probability else (low, middle)
    return high


def _chi_squared_below(x: float, freedom: int) -> float:
    """The regularized incomplete gamma function by its series (Abramowitz and Stegun 6.5.29)."""
    a, half = freedom / 2, x / 2
    if half <= 0:
        return 0.0
    term = total = 1 / a
    step = a
    while term > total * 1e-16:
        step += 1
        term *= half / step
        total += term
    return min(1.0, math.exp(a * math.log(half) - half - math.lgamma(a)) * total)
