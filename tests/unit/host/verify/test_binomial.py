"""The binomial distribution and what rests on it, against exact fractions and published figures."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.verify.binomial import chance_of_at_most, lower_rank, share_bounds, upper_rank

DOUBT = Fraction(103, 10_000)  # no sum of the tested ones is exactly this


def exactly(count: int, runs: int, probability: Fraction) -> Fraction:
    """P(X <= count), in fractions."""
    return sum(
        (math.comb(runs, hits) * probability**hits * (1 - probability) ** (runs - hits) for hits in range(count + 1)),
        Fraction(0),
    )


@given(st.integers(1, 120), st.integers(1, 99), st.data())
def test_the_distribution_function_is_the_exact_sum(runs: int, percent: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(-1, runs))
    expected = float(exactly(count, runs, Fraction(percent, 100)))
    assert chance_of_at_most(count, runs, percent / 100) == pytest.approx(expected, abs=1e-12)


def test_a_coin() -> None:
    assert chance_of_at_most(1, 4, 0.5) == pytest.approx(5 / 16)
    assert chance_of_at_most(4, 4, 0.5) == pytest.approx(1.0)


def test_a_million_runs_are_no_overflow() -> None:
    # By symmetry: P(X <= n/2) = (1 + P(X = n/2)) / 2, and P(X = n/2) is 1 / sqrt(pi n / 2) to 7 digits.
    half = (1 + 1 / math.sqrt(math.pi * 500_000)) / 2
    assert chance_of_at_most(500_000, 1_000_000, 0.5) == pytest.approx(half, abs=1e-8)


@given(st.integers(1, 90), st.sampled_from([50, 90, 95, 99]))
def test_the_lower_rank_is_the_largest_that_the_doubt_allows(runs: int, percent: int) -> None:
    rank = lower_rank(runs, percent / 100, float(DOUBT))
    quantile = Fraction(percent, 100)
    assert exactly(rank - 1, runs, quantile) <= DOUBT
    assert exactly(rank, runs, quantile) > DOUBT


@given(st.integers(1, 90), st.sampled_from([50, 90, 95, 99]))
def test_the_upper_rank_is_the_smallest_that_the_doubt_allows(runs: int, percent: int) -> None:
    rank = upper_rank(runs, percent / 100, float(DOUBT))
    quantile = Fraction(percent, 100)
    assert 1 - exactly(rank - 1, runs, quantile) <= DOUBT
    if rank > 1:
        assert 1 - exactly(rank - 2, runs, quantile) > DOUBT


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # No hit: the upper end is 1 - 0.025 ** (1 / n), the rule of three's exact form.
        (0, 10, 0.0, 1 - 0.025 ** (1 / 10)),
        (0, 500, 0.0, 1 - 0.025 ** (1 / 500)),
        (20, 20, 0.025 ** (1 / 20), 1.0),
        (1, 1, 0.025, 1.0),
        # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 1 of 29.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_a_shares_interval_is_that_of_the_literature(hits: int, trials: int, low: float, high: float) -> None:
    assert share_bounds(hits, trials, 0.95) == pytest.approx((low, high), abs=6e-5)


def test_the_ends_are_exact_where_nothing_or_all_was_hit() -> None:
    assert share_bounds(0, 7, 0.95)[0] == 0.0
    assert share_bounds(7, 7, 0.95)[1] == 1.0


def test_nothing_tried_bounds_nothing() -> None:
    assert share_bounds(0, 0, 0.95) == (0.0, 1.0)
