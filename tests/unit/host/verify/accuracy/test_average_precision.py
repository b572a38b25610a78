"""COCO's metrics: the same as pycocotools' on made-up data sets, whoever works them out."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edgeproof.record.accuracy.figures import AREAS
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.average_precision import Metrics, mean_of, metrics_of
from edgeproof.verify.accuracy.evaluators import OWN, Evaluator, best_evaluator
from tests.support.random_boxes import coco_documents, random_boxes

DATA_SETS, AT_ONCE = 400, 50
PICTURES, CLASSES = 6, 5
"""Each class of each data set is a case of its own: 2,000 of them."""
_AREAS, _MOST = ("all", "small", "medium", "large"), (1, 10, 100)


def by_pycocotools(truth: LabelledObjects, found: FoundObjects, pictures: int, classes: int) -> Metrics:
    labels, results = coco_documents(truth, found, pictures, classes)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = labels
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision, recall = (
        np.where(evaluation.eval[name] < 0, np.nan, evaluation.eval[name]) for name in ("precision", "recall")
    )
    assert tuple(evaluation.params.areaRngLbl) == AREAS == _AREAS
    assert tuple(evaluation.params.maxDets) == _MOST
    return Metrics(precision[..., -1].transpose(3, 2, 0, 1), recall.transpose(2, 3, 1, 0))


def assert_alike(ours: Metrics, theirs: Metrics) -> None:
    np.testing.assert_allclose(ours.precision, theirs.precision, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.recall, theirs.recall, rtol=0, atol=1e-9)


@pytest.mark.parametrize("part", range(DATA_SETS // AT_ONCE))
def test_thousands_of_random_cases_are_as_pycocotools_has_them(part: int) -> None:
    known = 0
    for case in range(part * AT_ONCE, (part + 1) * AT_ONCE):
        random = np.random.default_rng(case)
        truth, found = random_boxes(random, PICTURES, CLASSES, crowds=0.2 * (case % 2), skill=random.uniform(0.3, 1))
        if not len(found):
            continue
        ours = metrics_of(truth, found, CLASSES)
        assert_alike(ours, by_pycocotools(truth, found, PICTURES, CLASSES))
        known += int((~np.isnan(ours.precision[0, :, 0, 0])).sum())
    assert known > 0.8 * AT_ONCE * CLASSES, "hardly any case had an object"


@pytest.mark.parametrize("evaluator", [OWN, best_evaluator()], ids=lambda evaluator: evaluator.name)
def test_a_crowded_data_set_with_over_100_detections_a_picture(evaluator: Evaluator) -> None:
    random = np.random.default_rng(5)
    truth, found = random_boxes(random, 4, 2, objects=150.0, crowds=0.05, skill=0.9)
    assert np.bincount(found.pictures * 2 + found.classes).max() > 110
    assert_alike(evaluator.metrics(truth, found, 2), by_pycocotools(truth, found, 4, 2))


@pytest.mark.parametrize("case", range(20))
def test_hotcoco_says_the_same(case: int) -> None:
    truth, found = random_boxes(np.random.default_rng(case), 20, 4)
    other = best_evaluator()
    assert other.name.startswith("hotcoco 1.")
    assert_alike(metrics_of(truth, found, 4), other.metrics(truth, found, 4))


@pytest.mark.parametrize("evaluator", [OWN, best_evaluator()], ids=lambda evaluator: evaluator.name)
def test_nothing_found_is_a_precision_of_0_and_a_class_without_objects_has_none(evaluator: Evaluator) -> None:
    truth, _ = random_boxes(np.random.default_rng(1), 4, 2, crowds=0)
    nothing = FoundObjects.from_rows(np.zeros((0, 7)))
    metrics = evaluator.metrics(truth, nothing, 3)
    assert mean_of(metrics.precision[0, :2]) == 0
    assert mean_of(metrics.recall[0, 0, :2]) == 0
    assert mean_of(metrics.precision[:, 2]) is None


def test_without_hotcoco_this_package_evaluates(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert best_evaluator() is OWN
    monkeypatch.setattr(metadata, "version", lambda _: "2.0.0")
    assert best_evaluator() is OWN, "nobody has compared that release with pycocotools"


@pytest.mark.parametrize("evaluator", [OWN, best_evaluator()], ids=lambda evaluator: evaluator.name)
def test_of_two_objects_that_overlap_as_much_the_last_is_found(evaluator: Evaluator) -> None:
    """Which leaves nothing for the second detection, that lies on it alone."""
    rows = [[0, 0, 0, 0, 20, 20, 400, 0], [0, 0, 10, 0, 20, 20, 400, 0]]
    truth = LabelledObjects.from_rows(np.array(rows, np.float64))
    found = FoundObjects.from_rows(np.array([[0, 0, 5, 0, 20, 20, 0.9], [0, 0, 10, 0, 20, 20, 0.8]]))
    metrics = evaluator.metrics(truth, found, 1)
    assert_alike(metrics, by_pycocotools(truth, found, 1, 1))
    assert metrics.recall[0, 2, 0, 0] == 0.5
