"""Where a series of medians moved for good: hierarchical change points with a permutation test.

After Matteson and James, "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data" (2014),
which MongoDB and others run on their benchmarks: the most likely place is found by the energy statistic, and kept only
when shuffled series hardly ever show one as likely. Then each part is looked at again.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SIGNIFICANCE = 0.01
"""Of a series without any change, this share shows one. Neighbours that are alike are shuffled together; where they
correlate by .5 it is still up to 8 %."""
_PERMUTATIONS = 999
FEWEST = 5
"""Runs on each side of a change. With fewer a single odd day would count."""
SMALLEST = 0.02
"""Of the median: a smaller step is no news, however sure it is (two days of one bundle differ by as much)."""


@dataclass(frozen=True)
class ChangePoint:
    place: int
    """The first run after it."""
    before: float
    after: float
    """Medians of the two sides, up to the next change."""

    @property
    def step(self) -> float:
        """.05 is five percent slower."""
        return self.after / self.before - 1.0


def change_points(series: Sequence[float], seed: int = 0) -> list[ChangePoint]:
    """The changes of a series of positive figures, in order. Deterministic for a seed."""
    values = np.log(np.asarray(series, np.float64))
    if not np.isfinite(values).all():
        raise ValueError("a series of positive figures is needed")
    generator = np.random.default_rng(seed)
    places = sorted(_split(values, 0, len(values), generator))
    edges = [0, *places, len(values)]
    medians = [float(np.exp(np.median(values[a:b]))) for a, b in itertools.pairwise(edges)]
    found = [ChangePoint(at, medians[n], medians[n + 1]) for n, at in enumerate(places)]
    return [change for change in found if abs(change.step) >= SMALLEST]


def _split(values: Floats, begin: int, end: int, generator: np.random.Generator) -> list[int]:
    part = values[begin:end]
    best, place = _likeliest(part)
    if place is None:
        return []
    block = _alike_length(part)
    shuffled = (_likeliest(_shuffle(part, block, generator))[0] for _ in range(_PERMUTATIONS))
    as_likely = sum(other >= best for other in shuffled)
    if (as_likely + 1) / (_PERMUTATIONS + 1) > SIGNIFICANCE:
        return []
    middle = begin + place
    return [*_split(values, begin, middle, generator), middle, *_split(values, middle, end, generator)]


def _likeliest(values: Floats) -> tuple[float, int | None]:
    """The greatest energy statistic of a split (equation 5 of the paper, with exponent 1), and where it is."""
    count = len(values)
    if count < 2 * FEWEST:
        return 0.0, None
    distances = np.abs(values[:, None] - values[None])
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = distances.cumsum(0).cumsum(1)
    n = np.arange(FEWEST, count - FEWEST + 1)
    m = count - n
    within_left = sums[n, n] / (n * (n - 1))
    within_right = (sums[count, count] - 2 * sums[n, count] + sums[n, n]) / (m * (m - 1))
    between = (sums[n, count] - sums[n, n]) * 2 / (n * m)
    statistic = n * m / count * (between - within_left - within_right)
    best = int(statistic.argmax())
    return float(statistic[best]), int(n[best])


def _alike_length(values: Floats) -> int:
    """How many neighbours are shuffled together, by how much they are alike once the median of a few is taken off."""
    width = 2 * FEWEST + 1
    padded = np.pad(values, width // 2, mode="reflect") if len(values) > width else None
    if padded is None:
        return 1
    level = np.array([np.median(padded[at : at + width]) for at in range(len(values))])
    rest = values - level
    spread = float((rest**2).sum())
    if spread == 0:
        return 1
    correlation = float((rest[1:] * rest[:-1]).sum()) / spread
    # The running median takes some of it away, so what is left counts double.
    correlation = min(max(2 * correlation, 0.0), 0.9)
    return round(1 + 2 * correlation / (1 - correlation))


def _shuffle(values: Floats, block: int, generator: np.random.Generator) -> Floats:
    if block <= 1:
        return generator.permutation(values)
    turned = np.roll(values, int(generator.integers(block)))
    blocks = [turned[at : at + block] for at in range(0, len(turned), block)]
    order = generator.permutation(len(blocks))
    return np.concatenate([blocks[at] for at in order])
