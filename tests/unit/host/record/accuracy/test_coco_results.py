"""Detections as COCO results: ids, boxes in pixels, and what is left out."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.record.accuracy.coco_results import coco_results, write_coco_results
from edgeproof.record.boxes import pixel_box
from edgeproof.record.detections import Detections, PictureResult

edges = st.tuples(*[st.floats(-2, 3, width=32)] * 4)


def one_based(class_index: int) -> int:
    return class_index + 1


def zero_based(class_index: int) -> int:
    return class_index


def picture(name: str, *rows: tuple[tuple[float, float, float, float], int, float]) -> PictureResult:
    """A picture of 200 x 100 pixels with detections (ymin, xmin, ymax, xmax), class, score."""
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    classes = np.array([row[1] for row in rows], np.int32)
    return PictureResult(name, 200, 100, Detections(boxes, classes, np.array([row[2] for row in rows], np.float32)))


def numbered(*pictures: PictureResult) -> list[tuple[int, PictureResult]]:
    return list(enumerate(pictures, start=1))


def test_an_entry_has_coco_s_fields_and_the_file_s_name() -> None:
    assert coco_results(numbered(picture("a.jpg", ((0.1, 0.25, 0.6, 0.75), 0, 0.5))), one_based) == [
        {"image_id": 1, "category_id": 1, "bbox": [50.0, 10.0, 100.0, 50.0], "score": 0.5, "file_name": "a.jpg"}
    ]


def test_image_ids_are_those_that_are_given() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    broken = PictureResult("broken.jpg", error="it is empty")
    entries = coco_results(
        [(7, picture("a", (box, 0, 0.9))), (5, broken), (6, picture("empty")), (2, picture("d", (box, 0, 0.8)))],
        zero_based,
    )
    assert [(entry["image_id"], entry["file_name"]) for entry in entries] == [(7, "a"), (2, "d")]


def test_a_category_is_the_class_plus_the_offset() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    entries = coco_results(numbered(picture("a", (box, 0, 0.9), (box, 16, 0.8))), one_based)
    assert [entry["category_id"] for entry in entries] == [1, 17]


def test_a_box_is_clipped_to_the_picture() -> None:
    (entry,) = coco_results(numbered(picture("a", ((-0.5, -0.1, 1.5, 0.5), 0, 0.9))), zero_based)
    assert entry["bbox"] == [0.0, 0.0, 100.0, 100.0]


@given(edges, st.integers(1, 8000), st.integers(1, 8000))
def test_no_box_leaves_its_picture_or_is_negative(box: tuple[float, ...], width: int, height: int) -> None:
    pixels = pixel_box(box, width, height)
    assert pixels.width >= 0
    assert pixels.height >= 0
    assert pixels.x >= 0
    assert pixels.y >= 0
    assert pixels.x + pixels.width <= width + 1e-6
    assert pixels.y + pixels.height <= height + 1e-6


def test_a_box_inside_out_is_empty() -> None:
    assert pixel_box((0.8, 0.9, 0.2, 0.1), 100, 100).to_list()[2:] == [0.0, 0.0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_detection_that_is_not_a_number_is_left_out(bad: float) -> None:
    good = (0.0, 0.0, 1.0, 1.0)
    rows = ((bad, 0.0, 1.0, 1.0), 0, 0.9), (good, 0, bad), (good, 3, 0.7)
    assert [entry["category_id"] for entry in coco_results(numbered(picture("a", *rows)), zero_based)] == [3]


def test_the_file_is_one_json_array_that_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "detections.json"
    write_coco_results(path, [], one_based)
    assert json.loads(path.read_text()) == []
    pictures = numbered(picture("ü.jpg", ((0.0, 0.0, 1.0, 1.0), 0, 0.9), ((0.0, 0.0, 0.5, 1.0), 0, 0.6)))
    write_coco_results(path, pictures, one_based)
    assert json.loads(path.read_text()) == coco_results(pictures, one_based)
    assert len(path.read_text().splitlines()) == 4
    assert [entry.name for entry in path.parent.iterdir()] == ["detections.json"]


def test_a_write_that_fails_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "detections.json"
    write_coco_results(path, [], one_based)

    def full_disk(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_coco_results(path, numbered(picture("a", ((0.0, 0.0, 1.0, 1.0), 0, 0.9))), one_based)
    assert path.read_text() == "[]\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["detections.json"]
