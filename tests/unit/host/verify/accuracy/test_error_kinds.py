"""Kinds of error: the same as TIDE's own program on made-up data sets, and by hand where one error alone was made."""

import sys
import types
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from edgeproof.record.accuracy.figures import ErrorKinds
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.error_kinds import error_kinds
from tests.support.errors_by_definition import errors_by_definition
from tests.support.random_boxes import random_boxes

SHORT = {
    "Cls": "classification",
    "Loc": "localization",
    "Both": "both",
    "Dupe": "duplicate",
    "Bkg": "background",
    "Miss": "missed",
    "FalsePos": "false_positive",
    "FalseNeg": "false_negative",
}
PICTURES, CLASSES = 8, 3


@lru_cache(maxsize=1)
def imported_tidecv() -> Any:
    """From `pip install --no-deps tidecv`: what else it wants draws its plots, and puts another OpenCV in place."""
    unused = {name: types.ModuleType(name) for name in ("appdirs", "pandas", "seaborn")}
    unused["appdirs"].user_data_dir = lambda *_: ""  # type: ignore[attr-defined]
    with patch.dict(sys.modules, unused):
        return pytest.importorskip("tidecv", reason="tidecv is not installed: kinds of error were not held against it")


def by_tidecv(truth: LabelledObjects, found: FoundObjects, pictures: int, classes: int) -> dict[str, float]:
    tidecv = imported_tidecv()
    labels, results = tidecv.Data("truth"), tidecv.Data("found", max_dets=100)
    for number in range(classes):
        labels.add_class(number, str(number))
    for picture in range(pictures):
        labels.add_image(picture, str(picture))
    for row in truth.rows().tolist():
        labels.add_ground_truth(int(row[0]), int(row[1]), row[2:6])
    for row in found.rows().tolist():
        results.add_detection(int(row[0]), int(row[1]), row[6], row[2:6])
    run = tidecv.TIDERun(labels, results, 0.5, 0.1, tidecv.TIDE.BOX, 100)
    errors = {**run.fix_main_errors(), **run.fix_special_errors()}
    return {SHORT[kind.short_name]: value / 100 for kind, value in errors.items()}


def assert_alike(ours: ErrorKinds, theirs: dict[str, float]) -> None:
    assert asdict(ours) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("part", range(5))
def test_random_cases_are_as_tide_defines_them(part: int) -> None:
    seen = dict.fromkeys(SHORT.values(), 0)
    for case in range(40 * part, 40 * part + 40):
        random = np.random.default_rng(case)
        truth, found = random_boxes(
            random, PICTURES, CLASSES, crowds=0.2 * (case % 2), ties=case % 4 > 1, skill=random.uniform(0.2, 0.9)
        )
        theirs = errors_by_definition(truth, found, PICTURES)
        assert_alike(error_kinds(truth, found, CLASSES, PICTURES), theirs)
        for name, value in theirs.items():
            seen[name] += value > 0
    assert min(seen.values()) > 5, seen


@pytest.mark.parametrize("part", range(4))
def test_random_cases_without_crowds_are_as_tidecv_has_them(part: int) -> None:
    for case in range(50 * part, 50 * part + 50):
        random = np.random.default_rng(case)
        truth, found = random_boxes(random, PICTURES, CLASSES, crowds=0, ties=False, skill=random.uniform(0.2, 0.9))
        assert_alike(error_kinds(truth, found, CLASSES, PICTURES), by_tidecv(truth, found, PICTURES, CLASSES))


def test_more_than_100_detections_of_a_picture_do_not_count() -> None:
    truth, found = random_boxes(np.random.default_rng(3), 2, 2, objects=120.0, ties=False)
    assert np.bincount(found.pictures).max() > 150
    assert_alike(error_kinds(truth, found, 2, 2), errors_by_definition(truth, found, 2))


OBJECT = [0, 0, 10, 10, 100, 100]
"""Picture, class, box."""


def kinds_of(*found: Sequence[float], others: Sequence[Sequence[float]] = ()) -> ErrorKinds:
    objects = np.array([[*row, 10_000, 0] for row in [OBJECT, *others]], np.float64)
    return error_kinds(
        LabelledObjects.from_rows(objects), FoundObjects.from_rows(np.array(found, np.float64).reshape(-1, 7)), 2, 1
    )


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ([0, 1, 10, 10, 100, 100, 0.9], "classification"),
        ([0, 0, 60, 10, 100, 100, 0.9], "localization"),
        ([0, 1, 60, 10, 100, 100, 0.9], "both"),
        ([0, 0, 300, 300, 50, 50, 0.9], "background"),
    ],
)
def test_one_wrong_detection_is_of_its_kind(found: list[float], kind: str) -> None:
    other = [0, 1, 300, 10, 100, 100]
    first = [[*OBJECT, 0.5]] if kind == "background" else []
    kinds = kinds_of(found, *first, [*other, 0.1], others=(other,))
    gained = {name: getattr(kinds, name) for name in SHORT.values() if not name.startswith("false")}
    missed = {"missed"} if kind == "both" else set()
    assert {name for name, value in gained.items() if value > 0} == {kind} | missed


def test_a_second_detection_of_an_object_is_a_duplicate() -> None:
    box = [0, 0, 10, 10, 100, 100]
    other = [0, 0, 200, 200, 50, 50]
    kinds = kinds_of([*box, 0.9], [*box, 0.8], [*other, 0.7], others=(other,))
    assert kinds.duplicate > 0
    assert (kinds.background, kinds.missed, kinds.false_negative) == (0, 0, 0)
    assert kinds.false_positive == pytest.approx(kinds.duplicate)


def test_an_object_that_nothing_comes_near_to_is_missed() -> None:
    kinds = kinds_of([0, 0, 10, 10, 100, 100, 0.9], others=([0, 0, 200, 200, 50, 50],))
    assert kinds.missed == kinds.false_negative == pytest.approx(1 - 51 / 101)
