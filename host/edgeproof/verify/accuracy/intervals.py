"""The interval of an accuracy, from what it would have been on pictures drawn anew.

Average precision of few pictures is too high: it reads the best precision of a recall or a higher one, and the best of
scattered figures lies above their middle. A draw from the data set scatters twice as much as the data set itself, so
the mean of the draws lies beyond the figure as that lies beyond the truth. How much these two are of each other depends
on how the error falls with the number of pictures, by its root 1/2 to 2/3: 1.7 to 2.4 times. Intervals reach that much
further on this side.

What hardly any picture shows, draws from these pictures hardly show. Where no picture differs at all, every draw says
the same, and yet a share of all other pictures may differ: up to the bound of Clopper and Pearson (Biometrika 26,
1934), 1.8 % for 0 of 200. A picture that differs can take away all that it has, so the figure may be off by that share.
Where a few differ, the interval reaches further by as much as that bound lies beyond the normal one.

docs/reference/error-rates.md has how often they hold.
"""

import math

import numpy as np

from edgeproof.record.accuracy.figures import Estimate
from edgeproof.verify.accuracy.matching import Floats
from edgeproof.verify.binomial import share_bounds
from edgeproof.verify.student import t_quantile

CONFIDENCE = 0.95
FEWEST_PICTURES = 100
"""With fewer, intervals hold less often than they are to."""
_BIAS = 2.0
"""Times what the mean of the draws is beyond the figure, that is beyond the truth."""
_NO_SCATTER = 1e-12
"""Sums of the same figures in another order differ by less."""
_FEWEST_KNOWN = 0.9
"""Of the draws: where a class is missing in more of them, it is too rare."""


def interval(
    value: float, drawn: Floats, pictures: int, low: float = 0.0, high: float = 1.0, differing: int | None = None
) -> Estimate:
    """Within the range `low` to `high` that the figure can have. It holds the figure itself.

    `differing` is on how many pictures two sides differ at all, where the figure is the difference of the two.
    """
    known = drawn[~np.isnan(drawn)]
    if pictures < FEWEST_PICTURES or len(known) < _FEWEST_KNOWN * len(drawn):
        return Estimate(value)
    scatter = float(known.std(ddof=1))
    if scatter <= _NO_SCATTER:
        half = share_bounds(0, pictures, CONFIDENCE)[1]
    else:
        times = t_quantile(0.5 + CONFIDENCE / 2, pictures - 1)
        half = scatter * times * (1.0 if differing is None else _reach_of_few(differing, pictures, times))
    beyond = _BIAS * (float(known.mean()) - value)
    return Estimate(value, max(value - max(beyond, 0.0) - half, low), min(value - min(beyond, 0.0) + half, high))


def _reach_of_few(differing: int, pictures: int, times: float) -> float:
    """How many times further the upper bound of the share that differs lies than the normal distribution has it."""
    share = differing / pictures
    normal = times * math.sqrt(share * (1.0 - share) / pictures)
    exact = share_bounds(differing, pictures, CONFIDENCE)[1] - share
    return max(exact / normal, 1.0) if normal > 0 else 1.0
