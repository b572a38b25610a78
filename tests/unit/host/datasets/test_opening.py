"""The same labels out of COCO's, VOC's and YOLO's files."""

from pathlib import Path

import pytest

from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import DataSetError, PictureFolderError
from tests.support import label_files
from tests.support.label_files import BOXES, HEIGHT, NAMES, WIDTH


def boxes_of(data_set: LabelledDataSet) -> dict[str, list[tuple[str, list[float]]]]:
    """Picture to (class, box in pixels)."""
    scale = [WIDTH, HEIGHT, WIDTH, HEIGHT] if data_set.relative else [1, 1, 1, 1]
    return {
        picture.path.stem: [
            (data_set.categories[one.category], [a * b for a, b in zip(one.box, scale, strict=True)])
            for one in picture.objects
        ]
        for picture in data_set.pictures
    }


@pytest.mark.parametrize("kind", ["coco", "voc", "yolo"])
@pytest.mark.parametrize("by_folder", [True, False])
def test_the_three_kinds_say_the_same(tmp_path: Path, kind: str, by_folder: bool) -> None:
    path = getattr(label_files, f"write_{kind}")(tmp_path / "set")
    if by_folder and kind == "coco":
        path = path.rename(path.with_name("annotations.json"))
    data_set = open_data_set(path.parent if by_folder and path.is_file() else path)
    assert data_set.kind == kind.upper()
    found = boxes_of(data_set)
    assert list(found) == ["a", "b", "c"]
    for name, objects in BOXES.items():
        assert [label for label, _ in found[name]] == [NAMES[number] for number, *_ in objects]
        for (_, box), (_, *wanted) in zip(found[name], objects, strict=True):
            assert box == pytest.approx(wanted)
    assert all(picture.path.is_file() for picture in data_set.pictures)


def test_coco_keeps_its_ids_and_areas(tmp_path: Path) -> None:
    data_set = open_data_set(label_files.write_coco(tmp_path))
    assert [picture.image_id for picture in data_set.pictures] == [10, 20, 30]
    assert data_set.categories == {3: "bike", 5: "person"}
    assert data_set.pictures[0].objects[0].area == 600
    assert data_set.pictures[0].size == (WIDTH, HEIGHT)
    assert data_set.used == {3, 5}


def test_another_label_or_another_file_is_another_digest(tmp_path: Path) -> None:
    path = label_files.write_coco(tmp_path)
    before = open_data_set(path).digest
    assert open_data_set(path).digest == before
    text = path.read_text()
    path.write_text(text.replace("50.0", "51.0"))
    assert open_data_set(path).digest != before
    path.write_text(text)
    (tmp_path / "images" / "a.jpg").write_bytes(b"x")
    assert open_data_set(path).digest != before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "gone", "there is no such file or folder. Give COCO"),
        (lambda folder: folder, "there is no data set in it"),
        (lambda folder: written(folder / "a.csv"), "it is no data set that is read here"),
    ],
)
def test_what_is_no_data_set_is_said(tmp_path: Path, make: object, words: str) -> None:
    with pytest.raises(DataSetError, match=words):
        open_data_set(make(tmp_path))  # type: ignore[operator]


def written(path: Path) -> Path:
    path.write_text("x")
    return path


def test_a_split_of_a_coco_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="one split by itself"):
        open_data_set(label_files.write_coco(tmp_path), split="train")


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    path = label_files.write_coco(tmp_path)
    (tmp_path / "images" / "b.jpg").unlink()
    with pytest.raises(PictureFolderError, match=r"1 is not in .*images; the first is b\.jpg"):
        open_data_set(path)
