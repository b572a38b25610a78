"""Pictures drawn anew: the same as evaluating a data set that holds each picture as often as it was drawn."""

from collections.abc import Sequence

import numpy as np
import pytest

from edgeproof.record.accuracy.figures import Estimate
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.average_precision import RECALLS, mean_of, metrics_of, ranked
from edgeproof.verify.accuracy.intervals import FEWEST_PICTURES, interval
from edgeproof.verify.accuracy.resampling import _levels_reached, draws, resampled
from tests.support.random_boxes import random_boxes
from tests.support.simulated_detectors import held, population

PICTURES, CLASSES = 12, 3


def copied(rows: np.ndarray, times: Sequence[int]) -> np.ndarray:
    """The rows of each picture as often as it was drawn, each time as a picture of its own."""
    parts, number = [np.zeros((0, rows.shape[1]))], 0
    for picture, count in enumerate(times):
        for _ in range(count):
            part = rows[rows[:, 0] == picture].copy()
            part[:, 0] = number
            number += 1
            parts.append(part)
    return np.concatenate(parts)


@pytest.mark.parametrize("case", range(10))
def test_a_draw_is_what_evaluating_its_pictures_gives(case: int) -> None:
    truth, found = random_boxes(np.random.default_rng(case), PICTURES, CLASSES, ties=False)
    times = draws(PICTURES, 20)
    drawn = resampled(ranked(truth, found, CLASSES), times)
    for number, counts in enumerate(times.tolist()):
        again = metrics_of(
            LabelledObjects.from_rows(copied(truth.rows(), counts)),
            FoundObjects.from_rows(copied(found.rows(), counts)),
            CLASSES,
        )
        of_classes = again.precision[0].mean(axis=-1)
        # Copies of a picture tie in score: of these COCO takes one after the other, a draw takes them together.
        np.testing.assert_allclose(drawn.precision[number], of_classes, atol=0.06)
        assert drawn.map()[number] == pytest.approx(mean_of(again.precision[0]) or 0.0, abs=0.02)
        assert np.isnan(drawn.precision[number]).tolist() == np.isnan(of_classes).tolist()


@pytest.mark.parametrize("case", range(30))
def test_each_picture_once_is_the_data_set_itself(case: int) -> None:
    truth, found = random_boxes(np.random.default_rng(case), PICTURES, CLASSES)
    once = resampled(ranked(truth, found, CLASSES), np.ones((1, PICTURES), np.int32))
    precision = metrics_of(truth, found, CLASSES).precision[0].mean(axis=-1)
    np.testing.assert_allclose(once.precision[0], precision, atol=1e-9)
    assert once.map(0)[0] == pytest.approx(mean_of(precision[:, 0]), abs=1e-9)
    assert once.map()[0] == pytest.approx(mean_of(precision), abs=1e-9)


def test_many_detections_are_worked_out_in_parts_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, found = random_boxes(np.random.default_rng(2), PICTURES, CLASSES)
    classes, times = ranked(truth, found, CLASSES), draws(PICTURES, 50)
    whole = resampled(classes, times).precision
    monkeypatch.setattr("edgeproof.verify.accuracy.resampling._CELLS_AT_ONCE", 100)
    np.testing.assert_array_equal(resampled(classes, times).precision, whole)


def test_the_same_numbers_are_drawn_for_all_sides_and_for_ever() -> None:
    times = draws(5, 3)
    np.testing.assert_array_equal(times, draws(5, 3))
    assert times.sum(axis=1).tolist() == [5, 5, 5]
    assert times.tolist() == [[0, 0, 1, 3, 1], [2, 1, 1, 1, 0], [0, 0, 1, 2, 2]]


def test_few_pictures_or_a_rare_class_have_no_interval() -> None:
    drawn = np.linspace(0.4, 0.6, 1000)
    assert interval(0.5, drawn, FEWEST_PICTURES - 1) == Estimate(0.5)
    assert interval(0.5, drawn, FEWEST_PICTURES).low is not None
    drawn[:150] = np.nan
    assert interval(0.5, drawn, 200) == Estimate(0.5)


def test_an_interval_stays_within_what_the_figure_can_be() -> None:
    drawn = np.linspace(0.9, 1.0, 1001)
    found = interval(0.95, drawn, 200)
    assert (found.low, found.high) == pytest.approx((0.95 - 1.972 * drawn.std(), 1.0), abs=1e-3)
    assert interval(0.0, np.linspace(-0.1, 0.1, 1001), 200, low=-1.0).low == pytest.approx(-0.114, abs=2e-3)
    assert interval(0.0, np.linspace(-0.1, 0.1, 1001), 200).low == 0.0


@pytest.mark.parametrize(("value", "below", "above"), [(0.5, 0.1, 0.0), (0.55, 0.0, 0.0), (0.6, 0.0, 0.1)])
def test_it_reaches_further_where_few_pictures_have_pushed_the_figure_from(
    value: float, below: float, above: float
) -> None:
    drawn = np.linspace(0.45, 0.65, 1001)
    half = 1.972 * drawn.std(ddof=1)
    found = interval(value, drawn, 200)
    assert (found.low, found.high) == pytest.approx((value - below - half, value + above + half), abs=1e-3)


def test_intervals_hold_about_as_often_as_they_are_to() -> None:
    """docs/reference/error-rates.md has the shares of many more experiments."""
    of = population(2, telling_scores=False)
    random = np.random.default_rng(4)
    found = [held(of, 100, random, 50) for _ in range(40)]
    assert sum(one.map for one in found) >= 34  # 72 % hold, where what few pictures add is not taken off
    assert sum(one.drop for one in found) >= 34


def test_levels_are_reached_as_coco_compares_them_to_the_last_bit() -> None:
    recalls = np.array([found / objects for objects in range(1, 301) for found in range(objects + 1)])
    np.testing.assert_array_equal(_levels_reached(recalls), np.searchsorted(RECALLS, recalls, side="right"))


def shares_held(rate: float, pictures: int = 200, runs: int = 400) -> tuple[float, float]:
    """How often the interval of a loss holds the truth, where a picture loses all it has with the chance `rate`.

    The second: how often an interval does that rests on draws alone.
    """
    random = np.random.default_rng(5)
    times = draws(pictures, 200)
    ours = plain = 0
    for _ in range(runs):
        lost = random.random(pictures) < rate
        value, drawn = float(lost.mean()), np.asarray(times @ lost / pictures, np.float64)
        found = interval(value, drawn, pictures, differing=int(lost.sum()))
        assert found.low is not None
        assert found.high is not None
        ours += found.low <= rate <= found.high
        plain += abs(value - rate) <= 1.96 * drawn.std()
    return ours / runs, plain / runs


@pytest.mark.parametrize(("rate", "plain_holds"), [(0.002, False), (0.005, False), (0.01, False), (0.03, True)])
def test_what_hardly_any_picture_shows_is_within_reach(rate: float, plain_holds: bool) -> None:
    ours, plain = shares_held(rate)
    assert ours >= 0.95
    assert bool(plain > 0.93) is plain_holds, "what the reach is for"


def test_where_few_differ_an_interval_is_wider_by_what_the_bound_of_their_share_is() -> None:
    """By scipy's Clopper and Pearson: of 1 in 200 up to .02754 may differ, where the normal bound says .01483."""
    drawn = np.linspace(-0.01, 0.03, 301)
    plain, few, many = (interval(0.01, drawn, 200, low=-1.0, differing=count) for count in (None, 1, 200))
    assert plain.high is not None
    assert few.high is not None
    wider = (0.027540 - 0.005) / (1.971957 * np.sqrt(0.005 * 0.995 / 200))
    assert few.high - 0.01 == pytest.approx((plain.high - 0.01) * wider, rel=1e-3)
    assert (many.low, many.high) == (plain.low, plain.high)


def test_sides_differ_where_any_digit_does() -> None:
    rows = np.array([[0, 0, 1, 1, 2, 2, 0.5], [2, 0, 1, 1, 2, 2, 0.5], [2, 1, 1, 1, 2, 2, 0.4]], np.float64)
    found = FoundObjects.from_rows(rows)
    assert found.differing_pictures(FoundObjects.from_rows(rows.copy())) == 0
    other = rows.copy()
    other[2, 6] = np.nextafter(0.4, 1)
    assert found.differing_pictures(FoundObjects.from_rows(other)) == 1
    assert found.differing_pictures(FoundObjects.from_rows(rows[:1])) == 1
    assert found.differing_pictures(FoundObjects.from_rows(rows[:0])) == 2
    moved = rows.copy()
    moved[0, 0] = 1
    assert found.differing_pictures(FoundObjects.from_rows(moved)) == 2
