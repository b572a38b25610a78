"""Bounds of percentiles: how often they hold on made-up runs with a known truth, and what is said to be missing."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from edgeproof.verify.latency import CONFIDENCE, samples_needed
from edgeproof.verify.percentiles import (
    bounds_ms,
    independent_samples,
    percentile_of,
    runs_needed,
)
from edgeproof.verify.verdict import Comparison
from tests.support.simulated_runs import simulated_ns

MS = 1_000_000
REPEATS = 400
# 400 experiments at 99 %: 4 misses are expected, and 12 or more come in 1 of 1000 repetitions of the whole test.
FEWEST_HELD = 1 - 12 / REPEATS


@pytest.mark.parametrize("percent", [50, 95])
@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6, 0.8])
def test_each_bound_holds_in_99_of_100_runs_also_when_neighbours_are_alike(percent: int, memory: float) -> None:
    random = np.random.default_rng(percent)
    truth = 20 * math.exp(0.02 * NormalDist().inv_cdf(percent / 100))
    found = [percentile_of(simulated_ns(random, 2500, memory=memory), percent).bounds_ms for _ in range(REPEATS)]
    assert np.mean([bounds.high >= truth for bounds in found]) > FEWEST_HELD
    assert np.mean([bounds.low <= truth for bounds in found]) > FEWEST_HELD
    assert np.mean([math.isfinite(bounds.high) for bounds in found]) > 0.95  # else nothing was told


@pytest.mark.parametrize("kind", [{"slow_mode": 0.4}, {"spikes": 0.02}, {"slow_mode": 0.3, "spikes": 0.05}])
@pytest.mark.parametrize("percent", [50, 90, 95])
def test_two_modes_and_spikes_do_not_loosen_a_bound(kind: dict[str, float], percent: int) -> None:
    random = np.random.default_rng(percent)
    truth = np.quantile(simulated_ns(random, 1_000_000, **kind), percent / 100) / MS
    found = [percentile_of(simulated_ns(random, 300, **kind), percent).bounds_ms for _ in range(REPEATS)]
    assert np.mean([bounds.high >= truth * 0.9995 for bounds in found]) > FEWEST_HELD
    assert np.mean([bounds.low <= truth * 1.0005 for bounds in found]) > FEWEST_HELD


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
def test_a_percentile_is_bounded_from_above_exactly_from_the_samples_on_that_it_needs(percent: int) -> None:
    needed = samples_needed(percent)
    enough, few = (np.arange(1, runs + 1, dtype=np.int64) * MS for runs in (needed, needed - 1))
    # One sample lies above the bound; a median needs fewer than half of its 11 there.
    assert bounds_ms(enough, percent, CONFIDENCE, needed).high == needed - 1
    assert bounds_ms(few, percent, CONFIDENCE, needed - 1).high == math.inf


def test_the_lowest_sample_is_no_bound_either() -> None:
    """A median needs 11 samples on this side, too; with 7 the lowest alone would do."""
    samples = np.arange(1, 12, dtype=np.int64) * MS
    assert bounds_ms(samples, 50, CONFIDENCE, 11).low == 2
    assert bounds_ms(samples[:7], 50, CONFIDENCE, 7).low == -math.inf


def test_ranks_of_fewer_independent_samples_are_stretched_outwards() -> None:
    """Of 100 independent samples the median lies between ranks 38 and 63; of 149 that are worth 100, 56 and 94."""
    samples = np.arange(1, 150, dtype=np.int64) * MS
    hundred = bounds_ms(samples[:100], 50, CONFIDENCE, 100)
    stretched = bounds_ms(samples, 50, CONFIDENCE, 100)
    assert (hundred.low, hundred.high) == (38, 63)
    assert (stretched.low, stretched.high) == (56, 94)


LOADGEN = {
    90: {
        63: None,
        64: 1,
        65: 1,
        90: 2,
        97: 3,
        128: 5,
        150: 6,
        200: 10,
        459: 31,
        662: 48,
        1000: 78,
        2000: 168,
        4000: 355,
    },
    99: {661: None, 662: 1, 700: 1, 1000: 2, 1024: 3, 2000: 9, 4000: 25},
}
"""What MLPerf LoadGen 6.0.17 (mlcommons-loadgen) takes for its early stopping estimate in the single-stream scenario:
the rank from the largest of its own samples, recorded from its traces and summaries. None: it gives no estimate."""


@pytest.mark.parametrize("percent", LOADGEN)
def test_the_upper_bound_is_the_sample_next_to_mlperf_loadgens_estimate(percent: int) -> None:
    """LoadGen allows t samples to lie above and takes the t-th largest; t samples lie above the one after it."""
    for runs, rank in LOADGEN[percent].items():
        high = bounds_ms(np.arange(runs, 0, -1, dtype=np.int64) * MS, percent, CONFIDENCE, runs).high
        assert high == (math.inf if rank is None else runs - rank), runs


def test_a_bound_is_a_sample_on_each_side_of_the_value() -> None:
    samples = np.random.default_rng(2).permutation(np.arange(1, 1001)).astype(np.int64) * MS
    found = percentile_of(samples, 90)
    assert found.value_ms == 900
    assert (found.samples, found.independent) == (1000, 1000)
    # 900 -+ 2.33 * sqrt(1000 * 0.9 * 0.1), by the normal approximation of the binomial.
    assert found.bounds_ms.low == pytest.approx(900 - 22, abs=2)
    assert found.bounds_ms.high == pytest.approx(900 + 22, abs=2)


def test_independent_samples_are_worth_their_number() -> None:
    random = np.random.default_rng(3)
    assert np.mean([independent_samples(random.integers(0, 10**9, 200), 50) == 200 for _ in range(REPEATS)]) > 0.97


@pytest.mark.parametrize(("memory", "share"), [(0.5, 0.383), (0.8, 0.132)])
def test_samples_that_hang_together_are_worth_what_their_autocorrelation_leaves(memory: float, share: float) -> None:
    """Of an autoregressive series (1 - memory) / (1 + memory) of its ranks are left, a third and a ninth; of its
    crossings of the median, whose correlations are 2 / pi times the arcsine of the series', 0.44 and 0.156."""
    random = np.random.default_rng(4)
    found = [independent_samples(simulated_ns(random, 4000, memory=memory), 50) / 4000 for _ in range(50)]
    assert np.median(found) == pytest.approx(share, rel=0.1)


def test_samples_are_worth_more_in_the_tail_than_around_the_median() -> None:
    samples = simulated_ns(np.random.default_rng(4), 4000, memory=0.6)
    assert independent_samples(samples, 99) > 1.2 * independent_samples(samples, 50)


def test_two_samples_in_the_tail_do_not_speak_for_its_independence() -> None:
    random = np.random.default_rng(4)
    found = [independent_samples(simulated_ns(random, 200, memory=0.8), 99) for _ in range(40)]
    assert np.median(found) < 50


def test_samples_that_are_all_the_same_are_taken_as_they_are() -> None:
    assert independent_samples(np.full(50, 7, np.int64), 95) == 50


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_too_few_samples_need_what_the_percentile_needs(percent: int) -> None:
    samples = np.random.default_rng(5).integers(1, 100, 10).astype(np.int64) * MS
    assert runs_needed(samples, percent, Comparison.BELOW, 1000.0) == samples_needed(percent)


def test_too_few_samples_that_hang_together_need_more() -> None:
    samples = simulated_ns(np.random.default_rng(6), 100, memory=0.8)
    needed = runs_needed(samples, 95, Comparison.BELOW, 1000.0)
    assert needed is not None
    assert needed == math.ceil(130 * 100 / independent_samples(samples, 95)) > 300


def spread(runs: int, held: float, random: np.random.Generator) -> np.ndarray:
    """Samples [runs] of which the share `held` lies below 100 ms."""
    return random.permutation(np.where(np.arange(runs) < round(runs * held), 50, 150) * MS + np.arange(runs))


@pytest.mark.parametrize("held", [0.97, 0.98, 0.93, 0.91])
def test_a_gate_that_is_open_is_told_with_the_runs_that_are_said_and_not_with_half(held: float) -> None:
    random = np.random.default_rng(7)
    needed = runs_needed(spread(130, held, random), 95, Comparison.BELOW, 100.0)
    assert needed is not None

    def told(runs: int) -> bool:
        bounds = bounds_ms(spread(runs, held, random), 95, CONFIDENCE, runs)
        return bounds.high < 100 or bounds.low >= 100

    assert told(needed)
    assert not told(needed // 2)


def test_a_gate_at_the_very_value_is_never_told() -> None:
    samples = np.tile(np.arange(1, 21, dtype=np.int64), 50) * MS
    samples = np.random.default_rng(8).permutation(samples)
    assert runs_needed(samples, 95, Comparison.AT_MOST, 19.0) is None
