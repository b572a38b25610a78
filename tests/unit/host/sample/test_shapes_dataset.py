"""Generated pictures of shapes: the same seed gives the same bytes, and the boxes are exact."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from faster_coco_eval import COCO

from edgeproof.errors import SampleError
from edgeproof.sample import shapes
from edgeproof.sample.shapes import fetch_shapes
from edgeproof.sample.shapes_dataset import CATEGORIES, PICTURE_HEIGHT, PICTURE_WIDTH, draw_shapes, write_shapes
from edgeproof.wording.progress import Progress, ProgressKind


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 7), ("second", 7), ("third", 8)):
        write_shapes(tmp_path / name, seed, 3)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert not np.array_equal(draw_shapes(7, 0).pixels, draw_shapes(8, 0).pixels)


def test_a_picture_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    alone = draw_shapes(7, 5)
    for index in range(5):
        draw_shapes(7, index)
    np.testing.assert_array_equal(draw_shapes(7, 5).pixels, alone.pixels)


def test_a_longer_data_set_begins_with_the_shorter_one(tmp_path: Path) -> None:
    write_shapes(tmp_path / "short", 7, 2)
    write_shapes(tmp_path / "long", 7, 4)
    long = contents(tmp_path / "long")
    short = {name: data for name, data in contents(tmp_path / "short").items() if name.endswith(".jpg")}
    assert len(short) == 2
    assert short.items() <= long.items()


@pytest.mark.parametrize("index", range(30))
def test_each_box_is_the_tightest_around_what_is_to_be_seen(index: int) -> None:
    picture = draw_shapes(7, index)
    assert picture.pixels.shape == (PICTURE_HEIGHT, PICTURE_WIDTH, 3)
    assert picture.pixels.dtype == np.uint8
    assert 1 <= len(picture.boxes) == len(picture.classes) <= 5
    assert set(np.unique(picture.instances)) == set(range(len(picture.boxes) + 1))
    for number, (x, y, width, height) in enumerate(picture.boxes, start=1):
        rows, columns = np.nonzero(picture.instances == number)
        assert (x, y, x + width - 1, y + height - 1) == (columns.min(), rows.min(), columns.max(), rows.max())


@pytest.mark.parametrize("index", range(10))
def test_shapes_stand_out_where_the_mask_says_so(index: int) -> None:
    """Ties the mask to the pixels: a shape alone on the background differs from what is around its edge."""
    picture = draw_shapes(7, index)
    shape = (picture.instances == len(picture.boxes)).astype(np.uint8)  # the topmost: nothing covers it
    kernel = np.ones((9, 9), np.uint8)
    inside = shape.astype(bool)
    around = (cv2.dilate(shape, kernel) - shape).astype(bool)
    difference = np.abs(picture.pixels[inside].mean(axis=0) - picture.pixels[around].mean(axis=0))
    assert difference.max() > 25


def test_every_class_occurs_about_as_often() -> None:
    counts = np.bincount(np.concatenate([draw_shapes(7, index).classes for index in range(60)]), minlength=4)
    assert counts.min() > counts.sum() / 4 / 2


def test_the_annotations_are_a_coco_data_set(tmp_path: Path) -> None:
    write_shapes(tmp_path, 7, 5)
    data_set = COCO(str(tmp_path / "annotations.json"))
    assert [category["name"] for category in data_set.loadCats(data_set.getCatIds())] == list(CATEGORIES)
    assert len(data_set.getImgIds()) == 5
    for index, image in enumerate(data_set.loadImgs(data_set.getImgIds())):
        decoded = cv2.imread(str(tmp_path / image["file_name"]))
        assert decoded.shape == (image["height"], image["width"], 3)
        drawn = draw_shapes(7, index)
        annotations = data_set.loadAnns(data_set.getAnnIds(imgIds=[image["id"]]))
        assert [item["bbox"] for item in annotations] == drawn.boxes.tolist()
        assert [item["category_id"] - 1 for item in annotations] == drawn.classes.tolist()
        assert [item["area"] for item in annotations] == np.bincount(drawn.instances.ravel())[1:].tolist()
        assert all(item["iscrowd"] == 0 for item in annotations)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer pictures, for speed."""
    monkeypatch.setattr(shapes, "TEST_PICTURES", 3)
    monkeypatch.setattr(shapes, "CALIBRATION_PICTURES", 2)


@pytest.mark.usefixtures("small")
def test_the_sample_is_whole_and_left_alone_the_second_time(tmp_path: Path) -> None:
    events: list[Progress] = []
    sample = fetch_shapes(tmp_path / "sample", events.append)
    assert events[-1] == Progress("drawing test pictures", done=3, total=3)
    for path in (sample.model, sample.anchors, sample.labels, *sample.photos, sample.annotations):
        assert path.is_file()
    assert sample.labels.read_text().split() == list(CATEGORIES)
    assert len(list(sample.calibration.rglob("*.jpg"))) == 2
    before = {path: path.stat().st_mtime_ns for path in sample.path.rglob("*")}
    again: list[Progress] = []
    assert fetch_shapes(tmp_path / "sample", again.append) == sample
    assert [event.kind for event in again] == [ProgressKind.NOTE]
    assert before == {path: path.stat().st_mtime_ns for path in sample.path.rglob("*")}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("damaged", ["model/anchors.json", "test/annotations.json"])
def test_a_damaged_sample_is_made_again(damaged: str, tmp_path: Path) -> None:
    fetch_shapes(tmp_path)
    whole = contents(tmp_path)
    (tmp_path / damaged).write_text("{}")
    fetch_shapes(tmp_path)
    assert contents(tmp_path) == whole


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("names", [["labels.txt"], ["model/notes"], ["sample.json"]])
def test_a_folder_of_the_users_is_not_filled(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    before = contents(tmp_path)
    with pytest.raises(SampleError, match="the folder is not empty, and it is no sample"):
        fetch_shapes(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("small")
def test_a_picture_that_is_gone_is_drawn_again(tmp_path: Path) -> None:
    sample = fetch_shapes(tmp_path)
    whole = contents(tmp_path)
    next(sample.test_set.rglob("*.jpg")).unlink()
    fetch_shapes(tmp_path)
    assert contents(tmp_path) == whole


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SampleError, match="--out"):
        fetch_shapes(tmp_path / "file" / "sample")


def test_the_series_share_no_picture() -> None:
    seeds = (shapes.TRAINING_SEED, shapes.HELD_OUT_SEED, shapes.CALIBRATION_SEED, shapes.PHOTOS_SEED)
    assert len(set(seeds)) == len(seeds)
