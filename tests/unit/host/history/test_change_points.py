"""Changes are found where they were planted, and steady noise shows none: simulated, at the rates that are stated."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from edgeproof.history.change_points import SIGNIFICANCE, change_points

pytestmark = pytest.mark.slow

Floats = npt.NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Floats]


def white(generator: np.random.Generator, count: int) -> Floats:
    return generator.normal(0, 0.02, count)


def skewed(generator: np.random.Generator, count: int) -> Floats:
    return generator.exponential(0.02, count)


def spiky(generator: np.random.Generator, count: int) -> Floats:
    """One run in ten took half as long again."""
    return generator.normal(0, 0.01, count) + 0.4 * (generator.random(count) < 0.1)


def slow(generator: np.random.Generator, count: int) -> Floats:
    """Neighbours are alike: correlation .5."""
    noise = generator.normal(0, 0.02, count)
    for at in range(1, count):
        noise[at] += 0.5 * noise[at - 1]
    return noise


@pytest.mark.parametrize(("noise", "most"), [(white, 0.02), (skewed, 0.02), (spiky, 0.02), (slow, 0.08)])
def test_steady_noise_hardly_ever_shows_a_change(noise: Noise, most: float, thorough: bool) -> None:
    """The stated rate is `SIGNIFICANCE`, and up to 8 % where neighbours are as alike as in `slow`."""
    generator = np.random.default_rng(5)
    trials = 400 if thorough else 40
    wrong = sum(bool(change_points(list(5 * np.exp(noise(generator, 40))), seed=trial)) for trial in range(trials))
    assert wrong <= trials * (SIGNIFICANCE + most)


@pytest.mark.parametrize("noise", [white, skewed, slow])
def test_a_step_of_eight_percent_is_found_where_it_is(noise: Noise, thorough: bool) -> None:
    generator = np.random.default_rng(6)
    found = 0
    trials = 100 if thorough else 20
    for trial in range(trials):
        series = 5 * np.exp(noise(generator, 40))
        series[22:] *= 1.08
        changes = change_points(list(series), seed=trial)
        found += len(changes) == 1 and abs(changes[0].place - 22) <= 2 and 0.05 < changes[0].step < 0.11
    assert found >= trials * (0.62 if noise is slow else 0.9)


def test_two_steps_are_two_changes_with_their_medians() -> None:
    generator = np.random.default_rng(7)
    series = np.concatenate([np.full(15, 10.0), np.full(15, 12.0), np.full(15, 9.0)])
    changes = change_points(list(series * np.exp(generator.normal(0, 0.01, 45))))
    assert [change.place for change in changes] == [15, 30]
    assert changes[0].step == pytest.approx(0.2, abs=0.02)
    assert changes[1].step == pytest.approx(-0.25, abs=0.02)


def test_few_runs_and_equal_runs_show_nothing() -> None:
    assert change_points([5.0, 5.0, 9.0, 9.0, 9.0]) == []
    assert change_points([5.0] * 40) == []
    assert change_points([]) == []


def test_a_step_that_is_no_news_is_none() -> None:
    assert change_points([10.0] * 20 + [10.1] * 20) == []


def test_figures_that_are_no_times_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"), np.errstate(divide="ignore"):
        change_points([1.0, 0.0, 2.0] * 5)


def test_the_same_series_gives_the_same_changes() -> None:
    generator = np.random.default_rng(8)
    series = list(np.exp(generator.normal(0, 0.05, 60) + 0.05 * (np.arange(60) > 30)))
    assert change_points(series) == change_points(series)
