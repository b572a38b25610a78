"""Drift from blocks: how often its interval holds, and when burst and sustained are told apart."""

import math

import numpy as np
import pytest

from edgeproof.verify.drift import block_drift, burst, sustained
from edgeproof.verify.verdict import Interval
from tests.support.simulated_runs import simulated_ns

MS = 1_000_000
REPEATS = 400


@pytest.mark.parametrize("kind", [{}, {"memory": 0.6}, {"spikes": 0.05}, {"slow_mode": 0.3}])
def test_a_run_that_does_not_drift_is_rarely_told_apart(kind: dict[str, float]) -> None:
    random = np.random.default_rng(1)
    drifts = [block_drift(simulated_ns(random, 300, **kind)) for _ in range(REPEATS)]
    assert np.mean([drift.apart for drift in drifts]) < 0.01
    assert np.mean([drift.bounds is not None and drift.bounds.contains(1.0) for drift in drifts]) > 0.97


@pytest.mark.parametrize("kind", [{}, {"memory": 0.6}, {"spikes": 0.05}])
def test_a_run_that_slows_by_a_sixth_is_told_apart(kind: dict[str, float]) -> None:
    random = np.random.default_rng(2)
    drifts = [block_drift(simulated_ns(random, 600, drift=0.2, **kind)) for _ in range(REPEATS)]
    assert np.mean([drift.apart for drift in drifts]) > 0.9
    assert all(drift.ratio is not None and drift.ratio > 1.05 for drift in drifts)


def test_a_run_that_gets_faster_is_told_apart_too() -> None:
    samples = simulated_ns(np.random.default_rng(3), 600, drift=0.2)[::-1].copy()
    drift = block_drift(samples)
    assert drift.apart
    assert drift.ratio is not None
    assert drift.ratio < 0.95


def test_the_ratio_is_that_of_the_last_blocks_over_the_first() -> None:
    samples = np.repeat([100, 150, 200], 50).astype(np.int64) * MS
    drift = block_drift(samples)
    assert drift.ratio == pytest.approx(2.0)
    assert drift.bounds is not None
    assert math.isclose(drift.bounds.low, 2.0)


def test_burst_and_sustained_are_the_ends_of_a_run() -> None:
    samples = np.arange(9, dtype=np.int64)
    assert burst(samples).tolist() == [0, 1, 2]
    assert sustained(samples).tolist() == [6, 7, 8]


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.full(29, MS, np.int64), "it needs at least 30 samples, there are 29"),
        (np.zeros(60, np.int64), "the stage is too short for the board's clock"),
    ],
)
def test_a_run_that_cannot_tell_says_why(samples: np.ndarray, reason: str) -> None:
    drift = block_drift(samples)
    assert (drift.ratio, drift.bounds, drift.reason, drift.apart) == (None, None, reason, False)


@pytest.mark.parametrize(
    ("low", "high", "apart"),
    [(1.021, 1.1, True), (1.019, 1.1, False), (0.9, 0.979, True), (0.9, 0.981, False), (0.9, 1.1, False)],
)
def test_only_an_interval_beyond_two_percent_tells_apart(low: float, high: float, apart: bool) -> None:
    from edgeproof.verify.drift import BlockDrift

    assert BlockDrift(1.0, Interval(low, high)).apart is apart
