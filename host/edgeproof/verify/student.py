"""Student's t distribution for whole degrees of freedom, by its finite sums (Abramowitz and Stegun 26.7.3, 26.7.4)."""

import math
from functools import lru_cache

_HALVINGS = 200
_LARGEST = 1e12


def t_distribution(t: float, freedom: int) -> float:
    """P(T <= t) with `freedom` degrees of freedom."""
    if freedom < 1:
        raise ValueError(f"degrees of freedom are 1 or more, not {freedom}")
    angle = math.atan2(t, math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    start = 1 + freedom % 2  # odd degrees of freedom sum odd powers of the cosine, even ones even powers
    term = cosine if freedom % 2 else 1.0
    total = 0.0
    for power in range(start, freedom, 2):
        total += term
        term *= cosine * cosine * power / (power + 1)
    if freedom % 2:
        inside = 2.0 / math.pi * (angle + sine * total)
    else:
        inside = sine * total
    return 0.5 + inside / 2.0


@lru_cache(maxsize=256)
def t_quantile(probability: float, freedom: int) -> float:
    """The t that a variable with `freedom` degrees of freedom does not exceed with `probability`, in 0.5..1."""
    if not 0.5 <= probability < 1.0:
        raise ValueError(f"a probability from 0.5 to below 1 is meant, not {probability}")
    low, high = 0.0, _LARGEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if t_distribution(middle, freedom) < probability else (low, middle)
    return high
