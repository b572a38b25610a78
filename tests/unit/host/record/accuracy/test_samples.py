"""An accuracy read back from report.json with its boxes; what is none is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edgeproof.errors import ReportError
from edgeproof.record.accuracy.coco_results import write_found_objects, write_labelled_objects
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report
from tests.support import sample_report as sample
from tests.support.report_schema import SCHEMA, checked_report
from tests.support.sample_accuracy import LABELS, evaluated


def written(folder: Path, **changes: Any) -> Path:
    found = evaluated()
    run = replace(sample.run(), accuracy=replace(found.accuracy, **changes), precision_recall=found.curves)
    path = folder / "report.json"
    (folder / "samples").mkdir()
    write_report(Report((run,)), path)
    return path


def test_what_is_written_reads_back_equal_with_all_its_boxes(tmp_path: Path) -> None:
    path = written(tmp_path)
    checked_report(path)
    told, read = evaluated().accuracy, read_report(path).runs[0].accuracy
    assert read is not None
    assert replace(read, samples=None) == replace(told, samples=None)
    assert read.samples is not None
    assert told.samples is not None
    assert read.samples.image_ids == told.samples.image_ids
    assert read.samples.category_ids == told.samples.category_ids
    for one, other in zip(read.samples.sides, told.samples.sides, strict=True):
        np.testing.assert_array_equal(one.rows(), other.rows())
    np.testing.assert_array_equal(read.samples.truth.rows(), told.samples.truth.rows())


def test_without_boxes_the_figures_read_all_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, samples=None)
    assert not (tmp_path / "samples" / "0.boxes").exists()
    checked_report(path)
    assert read_report(path).runs[0].accuracy == replace(evaluated().accuracy, samples=None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"map": {"value": 1.2}}, "map.value"),
        ({"recall": {"10": "x"}}, "recall.10"),
        ({"classes": [{"label": "a"}]}, "category_id"),
        ({"errors": {}}, "errors.classification"),
        ({"data_set": {"name": "a"}}, "data_set.kind"),
        ({"against": []}, "as many references"),
        ({"failed": -1}, "failed"),
    ],
)
def test_what_is_no_accuracy_is_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = written(tmp_path)
    document = json.loads(path.read_text())
    document["runs"][0]["accuracy"] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match=words):
        read_report(path)


@pytest.mark.parametrize(
    "change",
    [
        {"objects": 1},
        {"images": 3},
        {"found": []},
        {"found": [2**50]},
        {"found": [1.5, 2, 3]},
        {"sha256": "0" * 64},
        {"file": "../samples/0.boxes"},
        {"file": "/etc/passwd"},
    ],
)
def test_boxes_that_are_not_those_that_it_names_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = written(tmp_path)
    document = json.loads(path.read_text())
    document["runs"][0]["accuracy"]["samples"] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match="samples|found|file"):
        read_report(path)


def test_boxes_of_pictures_that_are_not_there_are_refused(tmp_path: Path) -> None:
    samples = evaluated().accuracy.samples
    assert samples is not None
    path = written(tmp_path, samples=replace(samples, image_ids=samples.image_ids[:-1]))
    with pytest.raises(ReportError, match="pictures or classes that are not among them"):
        read_report(path)


def test_the_boxes_as_coco_files_give_pycocotools_the_same_map(tmp_path: Path) -> None:
    accuracy = evaluated().accuracy
    assert accuracy.samples is not None
    labels = dict(zip(accuracy.samples.category_ids, LABELS, strict=True))
    write_labelled_objects(tmp_path / "truth.json", accuracy.samples, labels)
    write_found_objects(tmp_path / "found.json", accuracy.samples)
    truth = COCO(str(tmp_path / "truth.json"))
    evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "found.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    ours = [accuracy.map.value, accuracy.map50.value, accuracy.map75.value, *accuracy.areas.values()]
    assert ours + list(accuracy.recall.values()) == pytest.approx(evaluation.stats[:9], abs=1e-9)
    assert [one["name"] for one in truth.loadCats(truth.getCatIds())] == list(LABELS)


def test_a_report_with_an_accuracy_is_what_the_schema_says(tmp_path: Path) -> None:
    document = json.loads(written(tmp_path).read_text())
    jsonschema.validate(document, SCHEMA)
    assert document["runs"][0]["accuracy"]["data_set"]["left_out"] == ["hexagon"]
