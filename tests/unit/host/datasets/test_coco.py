"""COCO's JSON from strangers: broken labels are one error that names the place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeproof.datasets.coco import read_coco
from edgeproof.errors import DataSetError, PictureFolderError
from tests.support.label_files import write_coco

Change = Callable[[dict[str, Any]], object]


def changed(tmp_path: Path, change: Change) -> Path:
    path = write_coco(tmp_path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("annotations"), "annotations is missing"),
        (lambda data: data.pop("categories"), "categories is missing"),
        (lambda data: data.update(annotations=7), "annotations must be a list"),
        (lambda data: data["annotations"].append(7), r"annotations\[3\] must be a JSON object"),
        (lambda data: data["annotations"][1].update(bbox=[1, 2, 3]), r"annotations\[1\]\.bbox must have 4"),
        (lambda data: data["annotations"][1].update(bbox=[1, 2, -3, 4]), r"\[1\]\.bbox is no box: 1, 2, -3 x 4"),
        (lambda data: data["annotations"][1].update(bbox=[1, 2, 1e9, 4]), "is no box"),
        (lambda data: data["annotations"][1].update(bbox=[1, 2, "3", 4]), "must be a number"),
        (lambda data: data["annotations"][1].update(bbox=[float("nan"), 2, 3, 4]), "finite"),
        (lambda data: data["annotations"][1].update(category_id=99), "is 99, which none of its categories has"),
        (lambda data: data["annotations"][1].update(image_id=99), "is 99, which none of its images has"),
        (lambda data: data["annotations"][1].update(area=-1), "area must be a finite number between 0"),
        (lambda data: data["annotations"][1].update(iscrowd=2), "iscrowd must be 0 or 1"),
        (lambda data: data["annotations"][1].update(iscrowd=[]), "iscrowd must be 0 or 1"),
        (lambda data: data["categories"].append({"id": 3, "name": "x"}), "two of its categories have the id 3"),
        (lambda data: data["categories"][0].update(name=7), "name must be a string"),
        (lambda data: data["categories"][0].update(id=2**60), "must be between 0"),
        (lambda data: data["images"][0].update(width=-1), "width must be between 0"),
    ],
)
def test_broken_labels_are_one_error(tmp_path: Path, change: Change, words: str) -> None:
    with pytest.raises(DataSetError, match=rf"val\.json: it is broken \(.*{words}|{words}"):
        read_coco(changed(tmp_path, change))


def test_a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda data: data["images"][0].update(file_name="../../etc/passwd"))
    with pytest.raises(PictureFolderError, match="leads out of the pictures' folder"):
        read_coco(path)


@pytest.mark.parametrize(("value", "crowd"), [(0, False), (1, True), (False, False), (True, True)])
def test_crowds_are_kept_as_such(tmp_path: Path, value: object, crowd: bool) -> None:
    path = changed(tmp_path, lambda data: data["annotations"][0].update(iscrowd=value))
    assert read_coco(path).pictures[0].objects[0].crowd is crowd
