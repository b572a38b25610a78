"""Holds gates against a run: each becomes a claim with its value, its bounds and one of three answers."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from edgeproof.record.accuracy.figures import Accuracy, Estimate
from edgeproof.record.measured.energy import SourceClass
from edgeproof.record.measured.latency import Samples
from edgeproof.record.run import Run
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.verify.accuracy.intervals import CONFIDENCE as ACCURACY_CONFIDENCE
from edgeproof.verify.accuracy.intervals import FEWEST_PICTURES
from edgeproof.verify.binomial import share_bounds
from edgeproof.verify.drift import TOLERANCE, BlockDrift, block_drift, burst, sustained
from edgeproof.verify.gate_text import Gate, Quantity, Window
from edgeproof.verify.latency import percentile_ns
from edgeproof.verify.parity import CONFIDENCE as PARITY_CONFIDENCE
from edgeproof.verify.parity import share_differing
from edgeproof.verify.percentiles import Percentile, percentile_of, runs_needed
from edgeproof.verify.state import void_reasons
from edgeproof.verify.verdict import UNKNOWN, Interval, judge
from edgeproof.wording.counting import counted

_MOST_DETECTIONS = 20_000
_MOST_PICTURES = 1_000_000
_MARGIN = 1.1
_NO_ACCURACY = "accuracy was not measured: name a labelled data set with --data, or data in [check]"
_DISTURBED = 10.0
"""Median over minimum of the model's own time, which does the same at each run, from which a run was disturbed."""
_WINDOW_SHARE = 3
"""Burst and sustained are a third of a run each."""

Baselines = Mapping[str, Run]
"""Runs of earlier reports, by the names that gates call them."""


def evaluate(gates: Sequence[Gate], run: Run, baselines: Baselines | None = None) -> tuple[Claim, ...]:
    """A claim for each gate, in their order."""
    return tuple(_EVALUATE[gate.quantity](gate, run, baselines or {}) for gate in gates)


def further_runs(gates: Sequence[Gate], run: Run) -> int:
    """How many more runs would likely tell the latency gates that are open, the most that one of them needs.

    0 when none is open, the run is void, or no feasible number would tell one.
    """
    latency = run.latency
    if latency is None or void_of(run) is not None:
        return 0
    wanted = 0
    for gate in gates:
        if gate.quantity is not Quantity.PERCENTILE or gate.stage not in latency.samples_ns:
            continue
        window, share = _window(latency.samples_ns[gate.stage], gate.window)
        if judge(percentile_of(window, gate.percent).bounds_ms, gate.comparison, gate.limit) is Answer.INCONCLUSIVE:
            needed = runs_needed(window, gate.percent, gate.comparison, gate.limit)
            wanted = max(wanted, 0 if needed is None else needed * share - latency.runs)
    return wanted


def _percentile(gate: Gate, run: Run, _: Baselines) -> Claim:
    samples = _samples(gate, run)
    if samples is None:
        return _unknown(gate, _missing_stage(gate, run))
    window, share = _window(samples, gate.window)
    percentile = percentile_of(window, gate.percent)
    claim = _claim(gate, percentile.value_ms, percentile.bounds_ms, percentile.samples)
    void = void_of(run)
    if void:
        return replace(claim, answer=Answer.INCONCLUSIVE, note=void)
    if claim.answer is Answer.INCONCLUSIVE:
        return replace(claim, note=_runs_missing(gate, window, share, percentile))
    drift = block_drift(samples)
    return replace(claim, note=f"of the {gate.window.value} part: {_drift_words(drift)}") if drift.apart else claim


def _percentile_change(gate: Gate, run: Run, baselines: Baselines) -> Claim:
    """Against a stored run. Neither was measured beside the other, so what differs by a little is not told."""
    baseline = baselines.get(gate.reference)
    if baseline is None:
        return _unknown(gate, f"there is no {gate.reference!r} of this variant, board, runtime and threads")
    samples, before = _samples(gate, run), _samples(gate, baseline)
    if samples is None or before is None:
        return _unknown(gate, _missing_stage(gate, run if samples is None else baseline))
    now, then = (percentile_of(_window(values, gate.window)[0], gate.percent) for values in (samples, before))
    if then.value_ms <= 0:
        return _unknown(gate, "the stage is too short for the board's clock")
    value = 100.0 * (now.value_ms / then.value_ms - 1.0)
    low = now.bounds_ms.low / then.bounds_ms.high if math.isfinite(then.bounds_ms.high) else 0.0
    high = now.bounds_ms.high / then.bounds_ms.low if then.bounds_ms.low > 0 else math.inf
    # Two runs of one bundle differ by this much from day to day with nothing changed.
    bounds = Interval(100.0 * (max(low, 0.0) * (1 - TOLERANCE) - 1.0), 100.0 * (high * (1 + TOLERANCE) - 1.0))
    claim = _claim(gate, value, bounds, now.samples)
    void = void_of(run) or void_of(baseline)
    if void:
        return replace(claim, answer=Answer.INCONCLUSIVE, note=void)
    return replace(claim, note="not interleaved: the baseline was measured at another time")


def _differing(gate: Gate, run: Run, _: Baselines) -> Claim:
    parity = run.parity
    if parity is None:
        return _unknown(gate, "parity was not measured: name pictures in [check]")
    if not parity.confident:
        words = f"nothing confident was found on {counted(len(parity.pictures), 'picture')}"
        return _unknown(gate, f"{words}: give pictures with objects on them")
    share = share_differing(parity)
    bounds = Interval(100.0 * share.low, 100.0 * share.high)
    claim = _claim(gate, 100.0 * parity.differing / parity.confident, bounds, parity.confident)
    if claim.answer is Answer.INCONCLUSIVE:
        return replace(claim, note=_detections_missing(gate, parity.differing, parity.confident))
    return claim


def _map(gate: Gate, run: Run, _: Baselines) -> Claim:
    accuracy = run.accuracy
    if accuracy is None:
        return _unknown(gate, _NO_ACCURACY if run.error is None else f"the run ended early: {run.error}")
    return _of_pictures(gate, accuracy, accuracy.map if gate.quantity is Quantity.MAP else accuracy.map50)


def _map_drop(gate: Gate, run: Run, _: Baselines) -> Claim:
    accuracy = run.accuracy
    if accuracy is None:
        return _unknown(gate, _NO_ACCURACY if run.error is None else f"the run ended early: {run.error}")
    reference = accuracy.reference(gate.reference)
    if reference is None:
        told = ", ".join(one.variant for one in accuracy.against) or "nothing"
        words = f"nothing of {gate.reference} was run here (but {told}): export that variant beside the bundle"
        return _unknown(gate, words)
    return _of_pictures(gate, accuracy, reference.drop)


def _of_pictures(gate: Gate, accuracy: Accuracy, figure: Estimate) -> Claim:
    pictures = accuracy.data_set.pictures
    low, high = (-math.inf if figure.low is None else figure.low), (math.inf if figure.high is None else figure.high)
    claim = _claim(gate, figure.value, Interval(low, high), pictures)
    if accuracy.failed:
        note = f"{counted(accuracy.failed, 'picture')} of {pictures} had no answer: nothing can be said of them"
        return replace(claim, answer=Answer.INCONCLUSIVE, note=note)
    if claim.answer is Answer.INCONCLUSIVE:
        return replace(claim, note=_pictures_missing(gate, figure, pictures))
    return claim


def _size(gate: Gate, run: Run, _: Baselines) -> Claim:
    size = run.bundle.size_bytes / 1e6
    return _claim(gate, size, Interval.exact(size), None)


def _peak_rss(gate: Gate, run: Run, _: Baselines) -> Claim:
    peak = run.peak_rss_mib
    if peak is None:
        return _unknown(gate, "the board does not tell the memory of a process")
    return _claim(gate, peak, Interval.exact(peak), None)


def _energy(gate: Gate, run: Run, _: Baselines) -> Claim:
    """Of an inference, gross. A pass or a fail needs a meter: how far off the other sources are is not known."""
    latency = run.latency
    if latency is None or not latency.energy:
        reason = None if latency is None else latency.energy_reason
        return _unknown(gate, "energy was not measured" if reason is None else f"energy was not measured: {reason}")
    void = void_of(run)
    if void is not None:
        return _unknown(gate, void)
    energy = latency.energy[0]
    claim = _claim(gate, energy.gross.value, Interval(energy.gross.low, energy.gross.high), energy.readings)
    if energy.source_class is not SourceClass.METER:
        note = f"by {energy.source} ({energy.source_class.value}), whose own error is not known: only a meter tells"
        return replace(claim, answer=Answer.INCONCLUSIVE, note=note)
    if claim.answer is Answer.INCONCLUSIVE:
        return replace(claim, note=f"the interval of {energy.readings} readings holds the limit: more runs narrow it")
    return claim


_EVALUATE: Mapping[Quantity, Callable[[Gate, Run, Baselines], Claim]] = {
    Quantity.PERCENTILE: _percentile,
    Quantity.PERCENTILE_CHANGE: _percentile_change,
    Quantity.DIFFERING: _differing,
    Quantity.MAP: _map,
    Quantity.MAP_50: _map,
    Quantity.MAP_DROP: _map_drop,
    Quantity.SIZE: _size,
    Quantity.PEAK_RSS: _peak_rss,
    Quantity.ENERGY: _energy,
}


def _claim(gate: Gate, value: float, bounds: Interval, samples: int | None) -> Claim:
    return Claim(
        gate.text,
        judge(bounds, gate.comparison, gate.limit),
        gate.limit,
        gate.unit,
        value,
        bounds.finite_low,
        bounds.finite_high,
        samples,
    )


def _unknown(gate: Gate, why: str) -> Claim:
    return Claim(gate.text, judge(UNKNOWN, gate.comparison, gate.limit), gate.limit, gate.unit, note=why)


def _samples(gate: Gate, run: Run) -> Samples | None:
    samples = None if run.latency is None else run.latency.samples_ns.get(gate.stage)
    return None if samples is None or not len(samples) else samples


def _missing_stage(gate: Gate, run: Run) -> str:
    if run.error is not None:
        return f"the run ended early: {run.error}"
    return f"no samples of {gate.stage} were taken"


def void_of(run: Run) -> str | None:
    """Why nothing that was timed counts."""
    if run.board.emulated:
        return "the processor is emulated: its latency says nothing about a board"
    if run.error is not None:
        return f"the run ended early: {run.error}"
    if run.latency is None:
        return None
    threads = None if run.load is None else run.load.threads
    reasons = void_reasons(run.latency.before, run.latency.after, threads, run.latency.timeline)
    reasons += [
        f"{stage} took {_ratio(values):.0f} times as long at its median as at its best"
        for stage, values in run.latency.samples_ns.items()
        if stage == "invoke" and _ratio(values) >= _DISTURBED
    ]
    return f"the measurement is void: {'; '.join(reasons)}" if reasons else None


def _ratio(samples: Samples) -> float:
    """Median over minimum."""
    return percentile_ns(samples, 50) / max(int(samples.min()), 1)


def _window(samples: Samples, window: Window) -> tuple[Samples, int]:
    """The part of a run that a gate speaks of, and how many times longer the run is."""
    if not block_drift(samples).apart:
        return samples, 1
    return (sustained if window is Window.SUSTAINED else burst)(samples), _WINDOW_SHARE


def _runs_missing(gate: Gate, window: Samples, share: int, percentile: Percentile) -> str:
    needed = runs_needed(window, gate.percent, gate.comparison, gate.limit)
    has = percentile.samples * share
    if needed is None:
        return f"too near to the limit to be told from it; {has} samples do not tell, and no feasible number would"
    total = needed * share
    worth = (
        "" if percentile.independent == percentile.samples else f", worth {percentile.independent * share} independent"
    )
    drifts = f" as it drifts and a gate speaks of a third ({gate.window.value})," if share > 1 else ""
    return f"needs {total} samples,{drifts} has {has}{worth}: --runs {total}"


def _drift_words(drift: BlockDrift) -> str:
    return f"its late blocks took {drift.ratio:.3f} times as long as its early ones"


def _pictures_missing(gate: Gate, figure: Estimate, pictures: int) -> str:
    """How many pictures would tell it, if the figure stays.

    An interval narrows with the root of their number; where no picture differs, with the number itself.
    """
    if figure.low is None or figure.high is None:
        return f"{counted(pictures, 'picture')} say nothing of others: {FEWEST_PICTURES} are the fewest"
    far = abs(figure.value - gate.limit)
    half = figure.high - figure.value if figure.value < gate.limit else figure.value - figure.low
    if far <= 0:
        needed = math.inf
    elif math.isclose(half, share_bounds(0, pictures, ACCURACY_CONFIDENCE)[1]):
        needed = pictures * half / far
    else:
        needed = pictures * (half / far) ** 2
    if needed > _MOST_PICTURES:
        return f"too near to the limit to be told from it by {counted(pictures, 'picture')}"
    return f"needs about {math.ceil(needed * _MARGIN)} pictures, has {pictures}: give a larger data set"


def _detections_missing(gate: Gate, differing: int, confident: int) -> str:
    """How many detections would tell it, if as large a share differs as now."""
    share, needed = differing / confident, confident
    while needed <= _MOST_DETECTIONS:
        needed = math.ceil(needed * 1.15)
        low, high = share_bounds(round(share * needed), needed, 2.0 * PARITY_CONFIDENCE - 1.0)
        if judge(Interval(100.0 * low, 100.0 * high), gate.comparison, gate.limit) is not Answer.INCONCLUSIVE:
            return f"needs about {needed} confident detections, has {confident}: give more pictures"
    return f"too near to the limit to be told from it by {confident} detections"
