"""Latency statistics of raw samples, and which percentiles a number of samples can carry."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from edgeproof.record.detections import STAGES, BenchResult
from edgeproof.record.measured.latency import PERCENTS, Drift, LatencySummary, Samples
from edgeproof.record.measured.measurements import Latency
from edgeproof.verify.binomial import chance_of_at_most
from edgeproof.verify.energy import energy_of

CONFIDENCE = 0.99
"""One-sided confidence that a percentile must reach to be stated."""

ALLOWED_ABOVE = 1
"""How many samples may lie above the bound: one stray sample (an interrupt, a scheduler's whim) must not decide it."""


@lru_cache(maxsize=64)
def samples_needed(percent: int, confidence: float = CONFIDENCE, allowed_above: int = ALLOWED_ABOVE) -> int:
    """The fewest samples with which a percentile can be bounded from above without assuming a distribution.

    Of n independent samples, each lies above the true percentile with probability 1 - percent/100. The sample that has
    `allowed_above` samples above it is an upper bound of the percentile unless at most `allowed_above` samples lie
    above the true value, so the bound holds with confidence 1 - P(Bin(n, 1 - percent/100) <= allowed_above).
    This is Wilks' one-sided tolerance limit (S. S. Wilks, 'Determination of sample sizes for setting tolerance limits',
    Annals of Mathematical Statistics 12, 1941). With 99 % and one sample above: 64 for p90, 130 for p95, 662 for p99.
    """
    if not 0 < percent < 100 or not 0.0 < confidence < 1.0 or allowed_above < 0:
        raise ValueError(f"no such bound: percentile {percent}, confidence {confidence}, {allowed_above} samples above")
    runs = allowed_above + 1
    while chance_of_at_most(allowed_above, runs, 1.0 - percent / 100.0) > 1.0 - confidence:
        runs += 1
    return runs


def percentile_ns(samples_ns: Samples, percent: int) -> int:
    """The smallest sample that at least `percent` % of the samples do not exceed; its rank is ceil(n * percent / 100).

    Nothing is interpolated, so every percentile is a latency that was measured (Hyndman and Fan's definition 1, numpy's
    `inverted_cdf`).
    """
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile is in 1..100, not {percent}")
    rank = -(-len(samples_ns) * percent // 100)
    return int(np.partition(samples_ns, rank - 1)[rank - 1])


def summarize(samples_ns: Samples) -> LatencySummary:
    """Sums up one stage's samples, [runs] in ns. Raises `ValueError` when there are none."""
    runs = len(samples_ns)
    if samples_ns.ndim != 1 or runs == 0:
        raise ValueError(f"latency samples must be a non-empty row of numbers, not of shape {samples_ns.shape}")
    percentiles: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for percent in PERCENTS:
        name = f"p{percent}_ms"
        needed = samples_needed(percent)
        percentiles[name] = _ms(percentile_ns(samples_ns, percent)) if runs >= needed else None
        if runs < needed:
            reasons[name] = (
                f"p{percent} needs at least {needed} samples for {100 * CONFIDENCE:.0f} % confidence, there are {runs}"
            )
    median = percentile_ns(samples_ns, 50)
    return LatencySummary(
        runs=runs,
        mean_ms=_ms(float(np.mean(samples_ns))),
        min_ms=_ms(int(np.min(samples_ns))),
        p50_ms=percentiles["p50_ms"],
        p90_ms=percentiles["p90_ms"],
        p95_ms=percentiles["p95_ms"],
        p99_ms=percentiles["p99_ms"],
        max_ms=_ms(int(np.max(samples_ns))),
        mad_ms=_ms(percentile_ns(np.abs(samples_ns - median), 50)),
        reasons=reasons,
    )


def drift(samples_ns: Samples) -> Drift:
    """Compares the last third of the samples, [runs] in ns, with the first. Each third must carry its own median."""
    block = len(samples_ns) // 3
    needed = samples_needed(50)
    if block < needed:
        return Drift(None, f"it needs at least {3 * needed} samples, there are {len(samples_ns)}")
    first, last = percentile_ns(samples_ns[:block], 50), percentile_ns(samples_ns[-block:], 50)
    if first == 0:
        return Drift(None, "the stage is too short for the board's clock")
    return Drift(last / first)


def _ms(ns: float) -> float:
    return ns / 1e6


def latency_of(bench: BenchResult) -> Latency:
    """Sums up a bench. Raises `ValueError` when it holds no samples."""
    samples = in_order_of_stages(bench.samples_ns)
    if not samples:
        raise ValueError("the bench holds no samples")
    energy, reason = energy_of(bench.power, bench.runs)
    deciding = samples.get("invoke", samples.get("total", next(iter(samples.values()))))
    return Latency(
        runs=bench.runs,
        warmup_runs=bench.warmup_runs,
        samples_ns=samples,
        stages={stage: summarize(values) for stage, values in samples.items()},
        drift=drift(deciding),
        peak_rss_mib=bench.after.peak_rss_mib if bench.after else None,
        before=bench.before,
        after=bench.after,
        timeline=bench.timeline,
        power=bench.power,
        energy=energy,
        energy_reason=reason,
    )


def summarize_stages(samples_ns: Mapping[str, Samples]) -> dict[str, LatencySummary]:
    """Sums up the stages, [frames] in ns each, in their order; without those that have no samples."""
    return {name: summarize(values) for name, values in in_order_of_stages(samples_ns).items() if len(values)}


def in_order_of_stages(samples_ns: Mapping[str, Samples]) -> dict[str, Samples]:
    """The known stages in their order, then any that this version does not know."""
    order = [stage for stage in STAGES if stage in samples_ns]
    return {stage: samples_ns[stage] for stage in [*order, *sorted(set(samples_ns) - set(order))]}
