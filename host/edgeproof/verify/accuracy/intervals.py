"""The interval of an accuracy, from what it would have been on pictures drawn anew."""

import numpy as np

from edgeproof.record.accuracy import Estimate
from edgeproof.verify.accuracy.matching import Floats
from edgeproof.verify.student import t_quantile

CONFIDENCE = 0.95
FEWEST_PICTURES = 20
"""With fewer, pictures drawn anew are too alike to say anything of others."""
_FEWEST_KNOWN = 0.9
"""Of the draws: where a class is missing in more of them, it is too rare."""


def interval(value: float, drawn: Floats, pictures: int, low: float = 0.0, high: float = 1.0) -> Estimate:
    """Within the range `low` to `high` that the figure can have."""
    known = drawn[~np.isnan(drawn)]
    if pictures < FEWEST_PICTURES or len(known) < _FEWEST_KNOWN * len(drawn):
        return Estimate(value)
    half = t_quantile(0.5 + CONFIDENCE / 2, pictures - 1) * float(known.std(ddof=1))
    return Estimate(value, max(value - half, low), min(value + half, high))
