"""Works a report out anew from its samples: figures, gates, comparisons. What does not follow from them is told."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace

from edgeproof.record.accuracy.figures import Accuracy
from edgeproof.record.accuracy.samples import AccuracySamples
from edgeproof.record.detections import BenchResult
from edgeproof.record.measured.latency import LatencySummary
from edgeproof.record.measured.measurements import Latency
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Claim
from edgeproof.record.verdict.comparison import Comparison
from edgeproof.verify.accuracy.evaluation import ReferenceFacts, evaluate_accuracy
from edgeproof.verify.comparison import FEWEST_PAIRS, comparison_of
from edgeproof.verify.gate_text import GateError, Quantity, parse_gate
from edgeproof.verify.gates import evaluate
from edgeproof.verify.latency import latency_of

_RELATIVE = 1e-9
"""Sums of floating-point numbers differ by less from machine to machine."""
_NEEDS_MORE = (Quantity.PERCENTILE_CHANGE,)
"""Gates that rest on more than their own run."""


def discrepancies(report: Report) -> list[str]:
    """A line for each thing that the report states and its own samples contradict; empty when it follows from them."""
    lines = [line for place, run in enumerate(report.runs) for line in _of_run(f"run {place + 1}", run)]
    return lines + [line for comparison in report.comparisons for line in _of_comparison(report, comparison)]


def unchecked(report: Report) -> list[str]:
    """What of the report cannot be worked out from it alone: gates against others, latency without samples."""
    lines = []
    for place, run in enumerate(report.runs, start=1):
        if run.latency is not None and not run.latency.samples_ns:
            lines.append(f"run {place}: its latency, whose samples are not kept")
        if run.accuracy is not None and run.accuracy.samples is None:
            lines.append(f"run {place}: its accuracy, whose samples are not kept")
        lines += [f"run {place}: {claim.gate}" for claim in run.claims if _quantity(claim) in _NEEDS_MORE]
    return lines


def _of_run(name: str, run: Run) -> Iterator[str]:
    if run.latency is not None and run.latency.samples_ns:
        yield from (f"{name}: {line}" for line in _of_latency(run.latency))
    if run.accuracy is not None and run.accuracy.samples is not None:
        yield from (f"{name}: {line}" for line in _of_accuracy(run, run.accuracy, run.accuracy.samples))
    for claim in run.claims:
        key, _, text = claim.gate.partition(" ")
        try:
            gate = parse_gate(key, text)
        except GateError as error:
            yield f"{name}: {claim.gate!r} is no gate: {error}"
            continue
        if gate.quantity in _NEEDS_MORE:
            continue
        (derived,) = evaluate([gate], run)
        if not _alike(asdict(derived), asdict(claim)):
            yield (
                f"{name}: {claim.gate} is told as {_words(claim)}, and follows from the samples as {_words(derived)}"
            )


def _of_comparison(report: Report, told: Comparison) -> Iterator[str]:
    name = f"the comparison of runs {told.a + 1} and {told.b + 1}"
    sides = [report.runs[place] for place in (told.a, told.b) if place < len(report.runs)]
    wanted = told.pairs * told.block_runs
    if len(sides) < 2 or any(run.latency is None or run.latency.runs != wanted for run in sides):
        yield f"{name}: it is of {told.pairs} blocks of {told.block_runs} samples, and the runs have others"
        return
    if told.pairs < FEWEST_PAIRS or any(run.latency is None or not run.latency.samples_ns for run in sides):
        yield f"{name}: there are not samples enough to work it out"
        return
    derived = comparison_of(sides[0], sides[1], told.pairs, told.block_runs)
    if not _alike(asdict(replace(derived, a=told.a, b=told.b)), asdict(told)):
        yield f"{name}: another ratio, interval or state follows from the samples"


def _of_latency(latency: Latency) -> Iterator[str]:
    derived = latency_of(
        BenchResult(latency.samples_ns, latency.warmup_runs, latency.before, latency.after, power=latency.power)
    )
    if derived.runs != latency.runs:
        yield f"it tells {latency.runs} runs, and has samples of {derived.runs}"
    if set(derived.stages) != set(latency.stages):
        yield f"it tells of {', '.join(latency.stages)}, and has samples of {', '.join(derived.stages)}"
        return
    for stage, summary in derived.stages.items():
        told: Mapping[str, object] = asdict(latency.stages[stage])
        for field in fields(LatencySummary):
            if not _alike(getattr(summary, field.name), told[field.name]):
                yield f"{stage} {field.name} is told as {told[field.name]}, and is {getattr(summary, field.name)}"
    if not _alike(derived.peak_rss_mib, latency.peak_rss_mib):
        yield f"its peak RSS is told as {latency.peak_rss_mib} MiB, and the board's state says {derived.peak_rss_mib}"
    if len(derived.energy) != len(latency.energy) or not all(
        one.source_class is other.source_class and _alike(one.to_json(), other.to_json())
        for one, other in zip(derived.energy, latency.energy, strict=True)
    ):
        yield "its energy is not that of its power readings"
    if not _alike(asdict(derived.drift), asdict(latency.drift)):
        yield f"its drift is told as {latency.drift.ratio}, and is {derived.drift.ratio}"


def _of_accuracy(run: Run, told: Accuracy, samples: AccuracySamples) -> Iterator[str]:
    """By this package's own evaluation, whatever the report was evaluated with."""
    labels = {one.category_id: one.label for one in told.classes}
    names = [labels.get(number, "") for number in samples.category_ids]
    facts = [ReferenceFacts(one.variant, one.digest, one.runtime) for one in told.against]
    try:
        derived = evaluate_accuracy(samples, names, told.data_set, facts, told.failed, resamples=told.resamples)
    except ValueError as error:
        yield f"its accuracy does not follow from its samples: {error}"
        return
    counts = (told.data_set.pictures, told.data_set.objects)
    there = (len(samples.image_ids), int((~samples.truth.crowd).sum()))
    if counts != there:
        yield f"it tells of {counts[0]} pictures, {counts[1]} objects, and has samples of {there[0]} and {there[1]}"
    yield from _differing("accuracy", told.to_json(), derived.accuracy.to_json())
    curves = [[asdict(curve) for curve in side] for side in (run.precision_recall, derived.curves)]
    if next(_differing("", *curves), None) is not None:
        yield "other curves of precision over recall follow from its samples"


def _differing(name: str, told: object, derived: object) -> Iterator[str]:
    one, other = _flat(told), _flat(derived)
    for key in dict.fromkeys([*one, *other]):
        if key != "evaluator" and not _near(one.get(key), other.get(key)):
            yield f"{name} {key} is told as {one.get(key)}, and is {other.get(key)}"


def _flat(value: object, key: str = "") -> dict[str, object]:
    """Nested objects and lists as one level of dotted names."""
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        return {key: value}
    flat: dict[str, object] = {}
    for name, inner in items:
        flat |= _flat(inner, f"{key}.{name}" if key else str(name))
    return flat


def _near(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_RELATIVE)
    return one == other


def _quantity(claim: Claim) -> Quantity | None:
    key, _, text = claim.gate.partition(" ")
    try:
        return parse_gate(key, text).quantity
    except GateError:
        return None


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=_RELATIVE)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(_alike(one[key], other[key]) for key in one)
    return one == other


def _words(claim: Claim) -> str:
    return f"{claim.answer.value} at {claim.value}" if claim.value is not None else claim.answer.value
