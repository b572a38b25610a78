"""The front: what nothing beats, by what was told apart alone; and the cheapest cell that passes."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.errors import UsageError
from edgeproof.record.accuracy.figures import Accuracy, DataSetFacts
from edgeproof.record.accuracy.samples import AccuracySamples, FoundObjects, LabelledObjects
from edgeproof.record.measured.energy import Energy, Joules, SourceClass
from edgeproof.record.verdict.claims import Answer
from edgeproof.verify.accuracy.evaluation import evaluate_accuracy
from edgeproof.verify.front import Candidate, Contest, Figure
from edgeproof.verify.gate_text import parse_gate
from edgeproof.verify.recommendation import recommend
from edgeproof.verify.verdict import Interval
from tests.support import sample_report as sample

PICTURES = 120


def accuracy(*missing: int, sha256: str = "ab" * 32, pictures: int = PICTURES) -> Accuracy:
    """Of what finds all objects but those with these numbers; `missing` many are told from none."""
    rows = np.array([[picture, 0, 10 * (picture % 9), 20, 30, 40, 1200, 0] for picture in range(pictures)], np.float64)
    found = np.array([[*row[:6], 0.9] for place, row in enumerate(rows) if place not in missing])
    samples = AccuracySamples(
        tuple(range(1, pictures + 1)), (1,), LabelledObjects.from_rows(rows), FoundObjects.from_rows(found)
    )
    facts = DataSetFacts("val", "COCO", sha256, pictures, pictures)
    return evaluate_accuracy(samples, ["a"], facts).accuracy


ALL, MOST, HALF = accuracy(), accuracy(3), accuracy(*range(60))


def cell(
    invoke_ms: float | None = 45.0,
    of: Accuracy | None = ALL,
    size: int = 1_000_000,
    seed: int = 1,
    variant: str = "int8",
) -> Candidate:
    run = sample.run(variant, invoke_ms=invoke_ms or 45.0, seed=seed)
    latency = run.latency if invoke_ms is not None else None
    return Candidate(replace(run, accuracy=of, latency=latency, bundle=replace(run.bundle, size_bytes=size)))


def test_what_is_told_to_be_slower_and_no_better_is_beaten() -> None:
    contest = Contest([cell(45.0), cell(60.0), cell(30.0, HALF)])
    assert contest.front() == [0, 2]
    assert contest.beaten_by(1) == 0
    assert contest.figures == [Figure.LATENCY, Figure.ACCURACY, Figure.SIZE]


def test_a_difference_that_is_not_told_beats_nothing() -> None:
    contest = Contest([cell(45.0), cell(45.5, seed=2)])
    relation = contest.relation(0, 1, Figure.LATENCY)
    assert relation.gain > 0
    assert not relation.told_apart
    assert contest.front() == [0, 1]
    assert contest.alike([0, 1]) == [(0, 1, [Figure.LATENCY])]


def test_measured_side_by_side_the_same_two_are_told_apart() -> None:
    contest = Contest([cell(45.0), cell(45.5, seed=2)], {(0, 1): Interval(1.005, 1.02)})
    relation, other = contest.relation(0, 1, Figure.LATENCY), contest.relation(1, 0, Figure.LATENCY)
    assert relation.paired
    assert relation.told_apart
    assert (other.bounds.low, other.bounds.high) == pytest.approx((-relation.bounds.high, -relation.bounds.low))
    assert contest.front() == [0]


def test_on_the_same_pictures_accuracies_are_told_apart_by_their_difference() -> None:
    contest = Contest([cell(of=MOST), cell(of=HALF), cell(of=ALL)])
    assert contest.relation(0, 1, Figure.ACCURACY).told_apart
    near = contest.relation(2, 0, Figure.ACCURACY)
    assert (near.gain > 0, near.paired, near.told_apart) == (True, True, False)
    assert contest.relation(0, 2, Figure.ACCURACY).gain == -near.gain


def test_without_boxes_their_intervals_must_lie_apart() -> None:
    bare = [replace(one, samples=None) for one in (ALL, MOST, HALF)]
    contest = Contest([cell(of=one) for one in bare])
    assert not contest.relation(0, 1, Figure.ACCURACY).told_apart
    far = contest.relation(0, 2, Figure.ACCURACY)
    assert (far.paired, far.told_apart) == (False, True)


def test_accuracies_on_different_data_sets_or_few_pictures_are_never_told_apart() -> None:
    other = Contest([cell(of=ALL), cell(of=replace(HALF, data_set=replace(HALF.data_set, sha256="cd" * 32)))])
    assert not other.relation(0, 1, Figure.ACCURACY).told_apart
    few = Contest([cell(of=accuracy(pictures=20)), cell(of=accuracy(*range(10), pictures=20))])
    assert not few.relation(0, 1, Figure.ACCURACY).told_apart


def test_a_figure_that_one_lacks_decides_nothing() -> None:
    assert Contest([cell(), cell(of=None)]).figures == [Figure.LATENCY, Figure.SIZE]
    emulated = cell()
    hot = Candidate(replace(emulated.run, board=sample.board(emulated=True)))
    assert (hot.median is not None, hot.latency) == (True, None)
    assert Contest([cell(), hot]).figures == [Figure.ACCURACY, Figure.SIZE]
    failed = cell(of=replace(ALL, failed=1))
    assert failed.accuracy is None


def test_two_of_one_kind_are_both_on_the_front_and_the_same() -> None:
    contest = Contest([cell(), cell()])
    assert contest.front() == [0, 1]
    assert contest.alike([0, 1]) == [(0, 1, [Figure.LATENCY])], "a latency is never the very same"


def test_the_cheapest_that_passes_is_the_fastest_of_those_that_pass() -> None:
    contest = Contest([cell(45.0), cell(60.0), cell(30.0, HALF)])
    found = recommend(contest, [parse_gate("accuracy", "map >= 0.9")])
    assert [one.answer for one in found.judged] == [Answer.PASS, Answer.PASS, Answer.FAIL]
    assert (found.cheapest, found.by, found.as_cheap) == (0, Figure.LATENCY, ())
    assert recommend(contest, []).cheapest == 2, "without gates everything passes"


def test_of_those_that_are_not_told_apart_in_cost_the_smallest_is_taken() -> None:
    contest = Contest([cell(45.0, size=2_000_000), cell(45.3, seed=2), cell(70.0, size=500_000)])
    found = recommend(contest, [])
    assert (found.cheapest, found.as_cheap) == (1, (0,))
    assert recommend(contest, [], Figure.SIZE).cheapest == 2


def test_of_those_as_small_the_more_accurate_is_taken() -> None:
    contest = Contest([cell(None, HALF), cell(None, ALL)])
    found = recommend(contest, [])
    assert (found.by, found.cheapest) == (Figure.SIZE, 1)


def test_nothing_passes_on_what_was_not_measured() -> None:
    found = recommend(Contest([cell(of=None)]), [parse_gate("accuracy", "map >= 0.1")])
    assert (found.cheapest, found.judged[0].answer) == (None, Answer.INCONCLUSIVE)


def test_a_cost_that_was_not_measured_is_refused() -> None:
    with pytest.raises(UsageError, match="latency was not measured in all of these runs"):
        recommend(Contest([cell(None)]), [], Figure.LATENCY)


def with_energy(candidate: Candidate, joules: float, source: SourceClass = SourceClass.METER) -> Candidate:
    assert candidate.run.latency is not None
    energy = Energy("ina219", source, 2.0, 50, Joules(joules, joules * 0.98, joules * 1.02))
    return Candidate(replace(candidate.run, latency=replace(candidate.run.latency, energy=(energy,))))


def test_energy_counts_where_all_have_it_and_is_told_apart_within_one_class_of_source() -> None:
    contest = Contest([with_energy(cell(), 0.5), with_energy(cell(), 0.6), with_energy(cell(), 0.505)])
    assert Figure.ENERGY in contest.figures
    assert contest.relation(0, 1, Figure.ENERGY).told_apart
    assert not contest.relation(0, 2, Figure.ENERGY).told_apart
    assert contest.front() == [0, 2]
    assert recommend(contest, [parse_gate("energy", "< 0.55 J")], Figure.ENERGY).cheapest == 0
    other = Contest([with_energy(cell(), 0.5), with_energy(cell(), 0.9, SourceClass.PMIC_RAW)])
    assert not other.relation(0, 1, Figure.ENERGY).told_apart
    assert Figure.ENERGY not in Contest([with_energy(cell(), 0.5), cell()]).figures
