"""A report is worked out anew from its samples; whatever was changed in it is told."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeproof.record.accuracy.figures import Estimate
from edgeproof.record.accuracy.samples import AccuracySamples, FoundObjects
from edgeproof.record.measured.energy import SourceClass
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.verify.comparison import comparison_of
from edgeproof.verify.gate_text import parse_gates
from edgeproof.verify.gates import evaluate
from edgeproof.verify.rederive import discrepancies, unchecked
from tests.support import sample_report as sample
from tests.support.sample_accuracy import evaluated

GATES = parse_gates(
    {"total": ["p50 < 60 ms", "p95 < 50 ms"], "size": "< 6 MB", "parity": "differing <= 1 %", "energy": "< 1 J"}
)


def honest() -> Run:
    run = replace(sample.run(), latency=sample.sampled_latency(), parity=sample.parity())
    return replace(run, claims=evaluate(GATES, run))


def with_latency(run: Run, **changes: Any) -> Run:
    assert run.latency is not None
    return replace(run, latency=replace(run.latency, **changes))


def test_an_honest_report_follows_from_its_samples() -> None:
    first, second = sample.run(), sample.run("float32", seed=3)
    compared = Report((first, second), comparisons=(comparison_of(first, second, 20, 10),))
    assert discrepancies(Report((honest(),))) == []
    assert discrepancies(compared) == []


def changed_sample(run: Run) -> Run:
    assert run.latency is not None
    samples = {stage: values.copy() for stage, values in run.latency.samples_ns.items()}
    samples["total"][7] *= 3
    return with_latency(run, samples_ns=samples)


def changed_figure(run: Run) -> Run:
    assert run.latency is not None
    stages = dict(run.latency.stages)
    stages["total"] = replace(stages["total"], p95_ms=40.0)
    return with_latency(run, stages=stages)


def changed_claim(run: Run) -> Run:
    return replace(run, claims=(run.claims[0], replace(run.claims[1], answer=Answer.PASS), *run.claims[2:]))


def changed_bound(run: Run) -> Run:
    return replace(run, claims=(replace(run.claims[0], high=1.0), *run.claims[1:]))


def changed_limit(run: Run) -> Run:
    return replace(run, claims=(replace(run.claims[1], limit=500.0), *run.claims[2:]))


def changed_parity(run: Run) -> Run:
    assert run.parity is not None
    pictures = tuple(replace(picture, differing=0) for picture in run.parity.pictures)
    return replace(run, parity=replace(run.parity, pictures=pictures))


def changed_state(run: Run) -> Run:
    assert run.latency is not None
    assert run.latency.after is not None
    return with_latency(run, after=replace(run.latency.after, throttled_bits=4))


def changed_emulation(run: Run) -> Run:
    return replace(run, board=replace(run.board, emulated=True))


def changed_drift(run: Run) -> Run:
    assert run.latency is not None
    return with_latency(run, drift=replace(run.latency.drift, ratio=1.0))


def changed_peak(run: Run) -> Run:
    return with_latency(run, peak_rss_mib=50.0)


def changed_energy(run: Run) -> Run:
    assert run.latency is not None
    first, *rest = run.latency.energy
    return with_latency(run, energy=(replace(first, gross=replace(first.gross, low=0.1)), *rest))


def changed_class(run: Run) -> Run:
    assert run.latency is not None
    first, *rest = run.latency.energy
    return with_latency(run, energy=(replace(first, source_class=SourceClass.METER), *rest))


def energy_left_out(run: Run) -> Run:
    return with_latency(run, energy=())


def changed_readings(run: Run) -> Run:
    assert run.latency is not None
    assert run.latency.power is not None
    return with_latency(run, power=replace(run.latency.power, seconds=5.0))


def no_gate(run: Run) -> Run:
    return replace(run, claims=(Claim("speed is good", Answer.PASS, 1.0, ""),))


@pytest.mark.parametrize(
    "change",
    [
        changed_sample,
        changed_figure,
        changed_claim,
        changed_bound,
        changed_limit,
        changed_parity,
        changed_state,
        changed_emulation,
        changed_drift,
        changed_peak,
        changed_energy,
        changed_class,
        energy_left_out,
        changed_readings,
        no_gate,
    ],
)
def test_whatever_was_changed_is_told(change: Any) -> None:
    assert discrepancies(Report((change(honest()),)))


def test_a_changed_answer_is_told_with_both() -> None:
    (line,) = discrepancies(Report((changed_claim(honest()),)))
    assert line.startswith("run 1: total p95 < 50 ms is told as pass at 5")
    assert "follows from the samples as fail at 5" in line


def test_fewer_samples_than_runs_are_told() -> None:
    run = honest()
    assert run.latency is not None
    samples = {stage: values[:-1] for stage, values in run.latency.samples_ns.items()}
    assert "run 1: it tells 200 runs, and has samples of 199" in discrepancies(
        Report((with_latency(run, samples_ns=samples),))
    )


@pytest.mark.parametrize(
    "changes", [{"pairs": 10}, {"pairs": 5, "block_runs": 40}, {"b": 5}, {"void": ("it was hot",)}, {"stages": {}}]
)
def test_a_changed_comparison_is_told(changes: dict[str, Any]) -> None:
    first, second = sample.run(), sample.run("float32", seed=3)
    comparison = replace(comparison_of(first, second, 20, 10), **changes)
    (line,) = discrepancies(Report((first, second), comparisons=(comparison,)))
    assert line.startswith("the comparison of runs 1 and ")


def test_what_cannot_be_worked_out_is_named() -> None:
    run = honest()
    claim = Claim("invoke p50 vs main < +5 %", Answer.PASS, 5.0, "%", 1.0, 0.5, 1.5)
    without = with_latency(replace(run, claims=(claim,)), samples_ns={})
    assert discrepancies(Report((without,))) == []
    assert unchecked(Report((without,))) == [
        "run 1: its latency, whose samples are not kept",
        "run 1: invoke p50 vs main < +5 %",
    ]
    assert unchecked(Report((run,))) == []


def test_the_peak_of_memory_is_that_of_the_state_after() -> None:
    run = sample.run()
    assert run.latency is not None
    assert run.latency.after is not None
    grown = with_latency(run, after=replace(run.latency.after, peak_rss_mib=150.0), peak_rss_mib=150.0)
    assert discrepancies(Report((grown,))) == []


def test_a_sum_that_rounds_elsewhere_is_no_discrepancy() -> None:
    run = honest()
    assert run.latency is not None
    stages = dict(run.latency.stages)
    mean = stages["total"].mean_ms
    stages["total"] = replace(stages["total"], mean_ms=float(np.nextafter(mean, mean + 1)))
    assert discrepancies(Report((with_latency(run, stages=stages),))) == []


def accurate(**changes: Any) -> Run:
    found = evaluated()
    run = replace(sample.run(), accuracy=replace(found.accuracy, **changes), precision_recall=found.curves)
    gates = parse_gates({"accuracy": ["map >= 0.1", "map drop vs float32 <= 0.3"]})
    return replace(run, claims=evaluate(gates, run))


def test_an_honest_accuracy_follows_from_its_boxes_whoever_evaluated_it() -> None:
    report = Report((accurate(evaluator="hotcoco 1.3.0"),))
    assert discrepancies(report) == []
    assert unchecked(report) == []


def test_an_accuracy_without_boxes_is_said_to_be_unchecked() -> None:
    assert unchecked(Report((accurate(samples=None),))) == ["run 1: its accuracy, whose samples are not kept"]


def moved_box(samples: AccuracySamples) -> AccuracySamples:
    rows = samples.board.rows()
    rows[3, 2:4] += 400
    return replace(samples, board=FoundObjects.from_rows(rows))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"map": Estimate(0.99, 0.98, 1.0)}, "accuracy map.value is told as 0.99, and is 0."),
        ({"map50": replace(evaluated().accuracy.map50, low=0.0)}, "accuracy map50.low is told as 0.0"),
        ({"failed": 1}, None),
        ({"samples": moved_box(evaluated().accuracy.samples)}, "accuracy errors."),  # type: ignore[arg-type]
        ({"against": evaluated(loss=0.1).accuracy.against}, "accuracy against.0.map.value is told as 0.2"),
        ({"errors": replace(evaluated().accuracy.errors, missed=0.0)}, "accuracy errors.missed is told as 0.0"),
        ({"classes": evaluated().accuracy.classes[:1]}, "accuracy classes.1.label is told as None"),
        ({"data_set": replace(evaluated().accuracy.data_set, pictures=4000)}, "it tells of 4000 pictures"),
    ],
)
def test_a_changed_accuracy_is_told(changes: dict[str, Any], words: str | None) -> None:
    lines = discrepancies(Report((accurate(**changes),)))
    assert (lines == []) if words is None else any(words in line for line in lines), lines


def test_a_changed_answer_on_accuracy_is_told() -> None:
    run = accurate()
    lied = replace(run, claims=(run.claims[0], replace(run.claims[1], value=0.0)))
    assert ["accuracy map drop vs float32" in line for line in discrepancies(Report((lied,)))] == [True]


def test_a_changed_curve_is_told() -> None:
    run = accurate()
    lied = replace(run, precision_recall=(replace(run.precision_recall[0], iou=0.9), *run.precision_recall[1:]))
    assert discrepancies(Report((lied,))) == ["run 1: other curves of precision over recall follow from its samples"]
