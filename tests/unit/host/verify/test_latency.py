"""Latency statistics: which percentiles are stated, what they are, and when a run drifted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.record.detections import BenchResult
from edgeproof.record.measured.latency import PERCENTS
from edgeproof.verify.latency import drift, latency_of, percentile_ns, samples_needed, summarize

MS = 1_000_000

samples = st.lists(st.integers(0, 10**11), min_size=1, max_size=300).map(lambda values: np.array(values, np.int64))


@pytest.mark.parametrize(("percent", "needed"), [(50, 11), (90, 64), (95, 130), (99, 662)])
def test_a_percentile_needs_as_many_samples_as_the_order_statistic_says(percent: int, needed: int) -> None:
    assert samples_needed(percent) == needed


@pytest.mark.parametrize(("percent", "needed"), [(90, 44), (95, 90), (99, 459)])
def test_without_a_stray_sample_above_it_is_log_of_the_doubt_over_log_of_the_quantile(
    percent: int, needed: int
) -> None:
    assert samples_needed(percent, allowed_above=0) == needed


def test_the_bound_really_holds_in_99_of_100_experiments() -> None:
    """Draws 20,000 experiments of 64 samples: the second largest lies above the true p90 in 99 % of them."""
    uniform = np.sort(np.random.default_rng(7).random((20_000, samples_needed(90))), axis=1)
    assert 0.988 < np.mean(uniform[:, -2] >= 0.9) < 0.9935


@pytest.mark.parametrize("wrong", [0, 100, -5])
def test_there_is_no_bound_for_a_percentile_outside_1_to_99(wrong: int) -> None:
    with pytest.raises(ValueError, match="no such bound"):
        samples_needed(wrong)


@pytest.mark.parametrize(("percent", "expected"), [(50, 10), (90, 18), (95, 19), (99, 20), (100, 20), (1, 1)])
def test_a_percentile_is_the_order_statistic_of_its_rank_rounded_up(percent: int, expected: int) -> None:
    shuffled = np.random.default_rng(0).permutation(np.arange(1, 21))
    assert percentile_ns(shuffled, percent) == expected


@given(samples, st.integers(1, 100))
def test_a_percentile_is_a_sample_and_agrees_with_numpy(values: np.ndarray, percent: int) -> None:
    result = percentile_ns(values, percent)
    assert result in values
    assert 100 * np.count_nonzero(values <= result) >= percent * len(values)
    assert 100 * np.count_nonzero(values < result) < percent * len(values)


@given(samples)
def test_a_summary_is_ordered_and_within_the_samples(values: np.ndarray) -> None:
    summary = summarize(values)
    stated = [value for value in (summary.p50_ms, summary.p90_ms, summary.p95_ms, summary.p99_ms) if value is not None]
    ordered = [summary.min_ms, *stated, summary.max_ms]
    assert ordered == sorted(ordered)
    assert summary.min_ms == values.min() / MS
    assert summary.max_ms == values.max() / MS
    assert summary.mean_ms == pytest.approx(values.mean() / MS)
    assert 0 <= summary.mad_ms <= summary.max_ms - summary.min_ms
    assert summary.runs == len(values)


@given(samples)
def test_the_order_of_samples_does_not_matter_to_a_summary(values: np.ndarray) -> None:
    turned, straight = summarize(values[::-1]), summarize(values)
    assert (turned.p50_ms, turned.p99_ms, turned.mad_ms) == (straight.p50_ms, straight.p99_ms, straight.mad_ms)


@given(st.integers(1, 700))
def test_a_percentile_is_missing_with_a_reason_exactly_when_the_samples_cannot_carry_it(runs: int) -> None:
    summary = summarize(np.arange(1, runs + 1, dtype=np.int64))
    for percent in PERCENTS:
        name = f"p{percent}_ms"
        carried = runs >= samples_needed(percent)
        assert (getattr(summary, name) is not None) == carried
        assert (name in summary.reasons) != carried


def test_the_reason_says_how_many_samples_are_needed_and_there() -> None:
    reasons = summarize(np.ones(100, np.int64)).reasons
    assert reasons == {
        "p95_ms": "p95 needs at least 130 samples for 99 % confidence, there are 100",
        "p99_ms": "p99 needs at least 662 samples for 99 % confidence, there are 100",
    }


def test_one_stray_sample_moves_neither_median_nor_its_deviation() -> None:
    quiet = np.array([10 * MS, 11 * MS, 12 * MS] * 10, np.int64)
    summary = summarize(np.append(quiet, 5_000 * MS))
    assert (summary.p50_ms, summary.mad_ms, summary.max_ms) == (11.0, 1.0, 5_000.0)


@pytest.mark.parametrize("shape", [(0,), (2, 3)])
def test_no_samples_or_a_table_of_them_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="non-empty row"):
        summarize(np.zeros(shape, np.int64))


def test_a_run_that_heats_up_drifts_above_1() -> None:
    assert drift(np.repeat([100, 150, 200], 20).astype(np.int64)).ratio == 2.0


def test_samples_between_the_first_and_the_last_third_do_not_count() -> None:
    assert drift(np.repeat([100, 900, 100], 20).astype(np.int64)).ratio == 1.0


@given(st.integers(1, 200))
def test_drift_is_stated_only_when_each_third_carries_a_median(runs: int) -> None:
    result = drift(np.full(runs, 5, np.int64))
    assert (result.ratio == 1.0) == (runs >= 33)
    assert (result.reason is None) == (runs >= 33)


def test_a_stage_too_short_for_the_clock_has_no_drift() -> None:
    assert drift(np.zeros(99, np.int64)).reason == "the stage is too short for the board's clock"


@pytest.mark.parametrize(("drifting", "found"), [("invoke", 1.5), ("decode", 1.0)])
def test_a_run_drifts_when_its_inference_does(drifting: str, found: float) -> None:
    """Decoding that slows down is no sign of a hot processor: it hangs on the picture's bytes and the disk."""
    flat = np.full(90, 10 * MS, np.int64)
    slower = np.repeat([10 * MS, 12 * MS, 15 * MS], 30)
    stages = {stage: slower if stage == drifting else flat for stage in ("decode", "invoke")}
    result = BenchResult({**stages, "total": stages["decode"] + stages["invoke"]}, 0, before=None, after=None)
    ratio = latency_of(result).drift.ratio
    assert ratio is not None
    assert ratio == pytest.approx(found, abs=0.01)
