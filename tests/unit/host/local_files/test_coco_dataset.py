"""Calibration pictures out of a COCO data set: found where they usually lie, drawn by the seed, never fewer unsaid."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgeproof.convert.calibration.representative import Sampling, representative_set
from edgeproof.errors import PictureFolderError
from edgeproof.local_files.coco_dataset import coco_pictures
from edgeproof.record.accuracy.coco_results import write_coco_results
from edgeproof.record.detections import Detections, PictureResult
from edgeproof.runs.pictures import find_pictures


def write_data_set(annotations: Path, pictures: Path, count: int = 6) -> Path:
    """A JSON file with so many images, and their (empty) files."""
    names = [f"{number:04d}.jpg" for number in range(count)]
    pictures.mkdir(parents=True, exist_ok=True)
    for name in names:
        (pictures / name).write_bytes(name.encode())
    annotations.parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": number, "file_name": name} for number, name in enumerate(reversed(names))]
    annotations.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    return annotations


@pytest.mark.parametrize(
    ("annotations", "pictures"),
    [
        ("annotations.json", "."),
        ("annotations.json", "images"),
        ("annotations/instances_val2017.json", "val2017"),
        ("annotations/instances_val2017.json", "images"),
        ("annotations/instances_val2017.json", "images/val2017"),
    ],
)
def test_pictures_are_found_where_they_usually_lie(tmp_path: Path, annotations: str, pictures: str) -> None:
    path = write_data_set(tmp_path / annotations, tmp_path / pictures)
    found = coco_pictures(path)
    assert [file.resolve() for file in found] == [
        (tmp_path / pictures / f"{number:04d}.jpg").resolve() for number in range(6)
    ]


def test_pictures_elsewhere_are_found_in_the_stated_folder(tmp_path: Path) -> None:
    path = write_data_set(tmp_path / "a.json", tmp_path / "far" / "away")
    assert len(coco_pictures(path, tmp_path / "far" / "away")) == 6
    with pytest.raises(PictureFolderError, match=r"of its 6 pictures 6 are not in .*/images, .* --images-root"):
        coco_pictures(path)


def test_a_picture_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    path = write_data_set(tmp_path / "a.json", tmp_path)
    data = json.loads(path.read_text())
    data["images"] *= 2
    path.write_text(json.dumps(data))
    assert len(coco_pictures(path)) == 6


def test_missing_pictures_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    path = write_data_set(tmp_path / "a.json", tmp_path / "images")
    (tmp_path / "images" / "0000.jpg").unlink()
    (tmp_path / "images" / "0004.jpg").unlink()
    with pytest.raises(PictureFolderError, match=r"of its 6 pictures 2 are not in .*images; the first is 0000\.jpg"):
        coco_pictures(path)
    (tmp_path / "images" / "0004.jpg").write_bytes(b"")
    with pytest.raises(PictureFolderError, match=r"of its 6 pictures 1 is not in .*images; the first is 0000\.jpg"):
        coco_pictures(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": []}', 'its "images" are empty'),
        ('{"annotations": []}', 'it has no list of "images"'),
        ('{"images": [{"id": 1}]}', 'has no "file_name" that is a text'),
        ('{"images": 5}', 'it has no list of "images"'),
        ("[1, 2]", 'it has no list of "images"'),
        ('{"images": [[]]}', 'has no "file_name" that is a text'),
        ('{"images": [{"file_name": "a", "id": "1"}]}', 'no "id" that is a whole number'),
        ("not json", "it is broken .Expecting value"),
    ],
)
def test_a_json_file_without_images_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(PictureFolderError, match=words):
        representative_set(tmp_path / "a.json")


def test_a_draw_of_a_data_set_depends_on_the_seed_alone(tmp_path: Path) -> None:
    path = write_data_set(tmp_path / "a.json", tmp_path / "images", count=20)
    first = representative_set(path, Sampling(limit=5, seed=1))
    assert len(first) == 5
    assert first == representative_set(path, Sampling(limit=5, seed=1))
    assert first.digest != representative_set(path, Sampling(limit=5, seed=2)).digest
    # The same pictures, given as a folder.
    assert first.digest == representative_set(tmp_path / "images", Sampling(limit=5, seed=1)).digest


def test_a_root_without_a_json_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(PictureFolderError, match="--images-root goes with a COCO JSON file"):
        representative_set(tmp_path, root=tmp_path)


def write_images(path: Path, images: object) -> Path:
    path.write_text(json.dumps({"images": images}))
    return path


def test_ids_are_the_data_sets_own(tmp_path: Path) -> None:
    found = coco_pictures(write_data_set(tmp_path / "a.json", tmp_path))
    assert {file.name: number for file, number in found.items()} == {f"{n:04d}.jpg": 5 - n for n in range(6)}


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.jpg", "a/../../x.jpg", "", "a\0b.jpg", "\ud800.jpg"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = write_images(tmp_path / "a.json", [{"id": 1, "file_name": name}])
    with pytest.raises(PictureFolderError, match="leads out of the pictures' folder"):
        coco_pictures(path)


@pytest.mark.parametrize(
    "images",
    [
        [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}],
        [{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "a"}],
        [{"id": "1", "file_name": "a"}],
        [{"id": True, "file_name": "a"}],
        [{"file_name": "a"}],
        [{"id": 1, "file_name": 3}],
        [{"id": 1, "file_name": None}],
        [3],
        3,
        None,
    ],
)
def test_images_that_are_no_coco_are_refused(tmp_path: Path, images: object) -> None:
    with pytest.raises(PictureFolderError, match=r"a\.json"):
        coco_pictures(write_images(tmp_path / "a.json", images))


def test_results_with_the_data_sets_ids_score_the_same_in_any_order(tmp_path: Path) -> None:
    """COCO's own evaluation is the witness: with ids by position, reversed ids would ruin the precision."""
    from faster_coco_eval import COCO, COCOeval_faster

    names = [f"{number:04d}.jpg" for number in range(8)]
    boxes = {name: [10.0 + 5 * place, 20.0, 30.0, 40.0] for place, name in enumerate(names)}

    def precision(ids: list[int]) -> float:
        images = [
            {"id": number, "file_name": name, "width": 100, "height": 100}
            for number, name in zip(ids, names, strict=True)
        ]
        annotations = [
            {"id": place, "image_id": number, "category_id": 1, "bbox": boxes[name], "area": 1200}
            for place, (number, name) in enumerate(zip(ids, names, strict=True), start=1)
        ]
        data = {"images": images, "annotations": [{**item, "iscrowd": 0} for item in annotations]}
        path = tmp_path / "set.json"
        path.write_text(json.dumps({**data, "categories": [{"id": 1, "name": "thing"}]}))
        for name in names:
            (tmp_path / name).touch()
        pictures = []
        for file in find_pictures([path]):
            x, y, width, height = (value / 100 for value in boxes[file.name])
            box = np.array([[y, x, y + height, x + width]], np.float32)
            found = Detections(box, np.zeros(1, np.int32), np.ones(1, np.float32))
            pictures.append((file.image_id, PictureResult(file.name, 100, 100, found)))
        results = tmp_path / "detections.json"
        write_coco_results(results, pictures, lambda class_index: class_index + 1)
        truth = COCO(str(path))
        evaluation = COCOeval_faster(truth, truth.loadRes(str(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return float(evaluation.stats[0])

    assert precision(list(range(1, 9))) == precision(list(range(8, 0, -1))) == precision([90, 3, 5, 1, 70, 2, 8, 6])
    assert precision(list(range(8, 0, -1))) > 0.99
