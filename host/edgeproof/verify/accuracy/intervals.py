"""The interval of an accuracy, from what it would have been on pictures drawn anew.

Average precision of few pictures is too high: it reads the best precision of a recall or a higher one, and the best of
scattered figures lies above their middle. A draw from the data set scatters twice as much as the data set itself, so
the mean of the draws lies beyond the figure as that lies beyond the truth. How much these two are of each other depends
on how the error falls with the number of pictures, by its root 1/2 to 2/3: 1.7 to 2.4 times. Intervals reach that much
further on this side. docs/reference/error-rates.md has how often they hold.
"""

import numpy as np

from edgeproof.record.accuracy.figures import Estimate
from edgeproof.verify.accuracy.matching import Floats
from edgeproof.verify.student import t_quantile

CONFIDENCE = 0.95
FEWEST_PICTURES = 100
"""With fewer, intervals hold less often than they are to."""
_BIAS = 2.0
"""Times what the mean of the draws is beyond the figure, that is beyond the truth."""
_FEWEST_KNOWN = 0.9
"""Of the draws: where a class is missing in more of them, it is too rare."""


def interval(value: float, drawn: Floats, pictures: int, low: float = 0.0, high: float = 1.0) -> Estimate:
    """Within the range `low` to `high` that the figure can have. It holds the figure itself."""
    known = drawn[~np.isnan(drawn)]
    if pictures < FEWEST_PICTURES or len(known) < _FEWEST_KNOWN * len(drawn):
        return Estimate(value)
    half = t_quantile(0.5 + CONFIDENCE / 2, pictures - 1) * float(known.std(ddof=1))
    beyond = _BIAS * (float(known.mean()) - value)
    return Estimate(value, max(value - max(beyond, 0.0) - half, low), min(value - min(beyond, 0.0) + half, high))
