"""Cells out of several reports: what was measured of one at different times counts together, the newest of each."""

from dataclasses import replace

from edgeproof.history.candidates import contest_of
from edgeproof.record.run import Report, Run
from edgeproof.verify.front import Figure
from tests.support import sample_report as sample
from tests.support.sample_accuracy import evaluated


def accurate(run: Run, seed: int = 7) -> Run:
    return replace(run, latency=None, load=None, accuracy=evaluated(seed).accuracy)


def test_latency_and_accuracy_of_one_cell_come_together() -> None:
    timed = sample.run()
    contest = contest_of([Report((timed,)), Report((accurate(timed),))])
    (one,) = contest.candidates
    assert one.run.latency is timed.latency
    assert one.run.accuracy is evaluated(7).accuracy
    assert contest.figures == list(Figure)


def test_an_accuracy_counts_for_every_number_of_threads_and_for_no_other_board_or_bundle() -> None:
    two = sample.run()
    assert two.load is not None
    four = replace(two, load=replace(two.load, threads=4))
    elsewhere = replace(sample.run(), board=sample.board("rock"))
    reports = [Report((two, four, elsewhere, sample.run("float32"))), Report((accurate(two),))]
    known = [one.accuracy is not None for one in contest_of(reports).candidates]
    assert known == [True, True, False, False]
    assert len(contest_of(reports, "rock").candidates) == 1


def test_the_newest_counts() -> None:
    old, new = sample.run(seed=1), sample.run(seed=2)
    reports = [Report((old, accurate(old, 7))), Report((new, accurate(old, 8)))]
    (one,) = contest_of(reports).candidates
    assert one.run.latency is new.latency
    assert one.run.accuracy is evaluated(8).accuracy


def test_an_older_bundle_of_a_variant_counts_only_where_reports_are_named() -> None:
    old = sample.run()
    new = replace(old, bundle=replace(old.bundle, digest="00" * 32))
    reports = [Report((old,)), Report((new,))]
    assert len(contest_of(reports).candidates) == 2
    (one,) = contest_of(reports, newest_bundles=True).candidates
    assert one.run.bundle.digest == "00" * 32


def test_what_was_measured_side_by_side_is_told_apart_so() -> None:
    sides = (sample.run(), sample.run("float32"))
    comparison = replace(sample.comparison(), void=())
    contest = contest_of([Report(sides, comparisons=(comparison,))])
    assert contest.relation(0, 1, Figure.LATENCY).paired
    assert contest.ratios[0, 1].low == comparison.stages["total"].low
    void = contest_of([Report(sides, comparisons=(sample.comparison(),))])
    assert void.ratios == {}
    later = contest_of([Report(sides, comparisons=(comparison,)), Report((sample.run("float32", seed=5),))])
    assert later.ratios == {}, "that latency is another one"


def test_pictures_alone_are_no_cell() -> None:
    assert contest_of([Report((replace(sample.run(), latency=None),))]).candidates == []
