"""What differs between boards and within them, held against planted differences and against the textbook."""

import math
import statistics

import numpy as np
import pytest

from edgeproof.verify.spread import chi_squared, spread_of


def planted(boards: int, sessions: int, between: float, within: float, seed: int) -> dict[str, list[float]]:
    random = np.random.default_rng(seed)
    own = random.normal(0, between, boards)
    return {
        f"b{n}": [20 * math.exp(own[n] + noise) for noise in random.normal(0, within, sessions)] for n in range(boards)
    }


@pytest.mark.parametrize(("boards", "between", "within"), [(5, 0.05, 0.01), (20, 0.03, 0.02), (50, 0.1, 0.01)])
def test_the_intervals_hold_what_was_planted_as_often_as_they_say(boards: int, between: float, within: float) -> None:
    found = [spread_of(planted(boards, 4, between, within, seed)) for seed in range(400)]
    covered = sum(spread.between.low <= between <= spread.between.high for spread in found) / len(found)
    assert 0.92 <= covered <= 0.98
    covered = sum(spread.within.low <= within <= spread.within.high for spread in found) / len(found)
    assert 0.92 <= covered <= 0.98


def test_boards_that_are_alike_are_not_told_apart() -> None:
    told = [spread_of(planted(8, 4, 0.0, 0.02, seed)).told_apart for seed in range(400)]
    assert sum(told) / len(told) <= 0.05
    assert all(spread_of(planted(8, 4, 0.1, 0.005, seed)).told_apart for seed in range(50))


def test_the_figures_are_those_of_an_analysis_of_variance() -> None:
    """Sokal and Rohlf, Biometry: s2_between = (MS_among - MS_within) / n, here written out."""
    sessions = {"a": [10.0, 10.2, 9.9], "b": [11.0, 11.3, 10.8], "c": [9.5, 9.4, 9.7], "d": [10.1, 10.6, 10.2]}
    logs = [[math.log(value) for value in values] for values in sessions.values()]
    grand = statistics.fmean(value for values in logs for value in values)
    among = 3 * sum((statistics.fmean(values) - grand) ** 2 for values in logs) / 3
    inside = sum((value - statistics.fmean(values)) ** 2 for values in logs for value in values) / 8
    found = spread_of(sessions)
    assert found.between.value == pytest.approx(math.sqrt((among - inside) / 3))
    assert found.within.value == pytest.approx(math.sqrt(inside))


def test_the_odd_one_out_is_named_and_no_other() -> None:
    alarms = [bool(spread_of(planted(12, 4, 0.01, 0.005, seed)).odd) for seed in range(400)]
    assert 0.02 <= sum(alarms) / len(alarms) <= 0.08  # as often as the test says
    sessions = planted(12, 4, 0.01, 0.005, 3)
    sessions["b7"] = [value * 1.25 for value in sessions["b7"]]
    found = spread_of(sessions)
    assert found.odd == ("b7",)
    assert found.ratios["b7"] == pytest.approx(1.25, rel=0.03)


def test_two_that_are_odd_alike_are_both_named() -> None:
    sessions = planted(16, 4, 0.01, 0.005, 5)
    for board in ("b2", "b9"):
        sessions[board] = [value * 1.2 for value in sessions[board]]
    assert spread_of(sessions).odd == ("b2", "b9")


def test_boards_that_agree_by_chance_make_none_odd_within_its_noise() -> None:
    found = spread_of({"a": [10.0, 10.4], "b": [10.0, 10.4], "c": [10.0, 10.4], "d": [10.1, 10.4]})
    assert found.odd == ()


@pytest.mark.parametrize(
    ("probability", "freedom", "tabled"),
    [(0.975, 3, 9.348), (0.025, 3, 0.216), (0.975, 10, 20.483), (0.025, 10, 3.247), (0.975, 100, 129.561)],
)
def test_the_quantiles_are_those_of_the_tables(probability: float, freedom: int, tabled: float) -> None:
    assert chi_squared(probability, freedom) == pytest.approx(tabled, abs=6e-4)


@pytest.mark.parametrize("sessions", [{}, {"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"a": [1.0], "b": [1.0], "c": [1.0]}])
def test_too_little_is_told(sessions: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="are the least"):
        spread_of(sessions)
