"""Student's t against published tables."""

import math

import pytest

from edgeproof.verify.student import t_distribution, t_quantile


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 3, 3.18245),
        (0.95, 4, 2.13185),
        (0.995, 5, 4.03214),
        (0.995, 8, 3.35539),
        (0.975, 9, 2.26216),
        (0.975, 10, 2.22814),
        (0.975, 19, 2.09302),
        (0.975, 30, 2.04227),
        (0.975, 120, 1.97993),
    ],
)
def test_the_quantile_is_that_of_the_tables(probability: float, freedom: int, expected: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(expected, abs=6e-5 * max(1.0, expected / 10))


@pytest.mark.parametrize("freedom", [1, 2, 7, 8, 99])
def test_half_lies_below_zero_and_the_distribution_is_symmetric(freedom: int) -> None:
    assert t_distribution(0.0, freedom) == 0.5
    assert t_quantile(0.5, freedom) == pytest.approx(0.0, abs=1e-9)
    assert t_distribution(1.3, freedom) + t_distribution(-1.3, freedom) == pytest.approx(1.0)


def test_one_degree_of_freedom_is_the_cauchy_distribution() -> None:
    assert t_distribution(2.5, 1) == pytest.approx(0.5 + math.atan(2.5) / math.pi)


def test_many_degrees_are_the_normal_distribution() -> None:
    assert t_quantile(0.975, 100_000) == pytest.approx(1.95996, abs=1e-4)


@pytest.mark.parametrize(("probability", "freedom"), [(0.4, 5), (1.0, 5), (0.9, 0)])
def test_what_there_is_no_quantile_of_is_refused(probability: float, freedom: int) -> None:
    with pytest.raises(ValueError):
        t_quantile(probability, freedom)
