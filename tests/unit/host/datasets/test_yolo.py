"""YOLO's data.yaml, folders and label files, also as other programs write them, and hostile ones."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from edgeproof.datasets.yolo import read_yolo
from edgeproof.errors import DataSetError, UsageError
from tests.support.label_files import write_pictures, write_yolo


def described(tmp_path: Path, text: str) -> Path:
    path = write_yolo(tmp_path / "yolo")
    path.write_text(text)
    return path


def labelled(tmp_path: Path, text: str) -> Path:
    path = write_yolo(tmp_path / "yolo")
    (path.parent / "labels" / "val" / "b.txt").write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "val: images/val\nnames: {0: bike, 1: person}\n",
        "val: ../images/val\nnames: [bike, person]\nnc: 2\n",
        "val: ./images/val\nnames: [bike, person]\n",
        "path: .\nval: [images/val]\nnames: [bike, person]\n",
        "path: /home/somebody/else\ntrain: x\nval: images/val\nnames: [bike, person]\n",
        "test: images/val\nnames: [bike, person]\n",
        "val: list.txt\nnames: [bike, person]\n",
    ],
)
def test_descriptions_of_many_programs_are_read(tmp_path: Path, text: str) -> None:
    path = described(tmp_path, text)
    (path.parent / "list.txt").write_text("./images/val/a.jpg\nimages/val/b.jpg\n\nimages/val/c.jpg\n")
    data_set = read_yolo(path)
    assert [picture.name for picture in data_set.pictures] == [f"images/val/{name}.jpg" for name in "abc"]
    assert [len(picture.objects) for picture in data_set.pictures] == [2, 0, 1]
    assert data_set.categories == {0: "bike", 1: "person"}
    assert data_set.relative


def test_another_split_is_named(tmp_path: Path) -> None:
    path = described(tmp_path, "train: images/train\nval: images/val\nnames: [bike, person]\n")
    write_pictures(path.parent / "images" / "train")
    data_set = read_yolo(path, split="train")
    assert data_set.notes == ("3 pictures of train, 0 with labels",)
    with pytest.raises(DataSetError, match=r"it has no 'valid'\. Splits that it names: train, val"):
        read_yolo(path, split="valid")


def test_pictures_elsewhere_are_found_in_the_stated_folder(tmp_path: Path) -> None:
    path = described(tmp_path, "val: images/val\nnames: [bike, person]\n")
    for name in ("images", "labels"):
        (path.parent / name).rename(tmp_path / name)
    with pytest.raises(DataSetError, match="--images-root"):
        read_yolo(path)
    assert sum(len(picture.objects) for picture in read_yolo(path, tmp_path).pictures) == 3


def test_an_outline_is_the_box_around_it(tmp_path: Path) -> None:
    data_set = read_yolo(labelled(tmp_path, "1 0.1 0.2 0.5 0.2 0.3 0.6\n"))
    assert data_set.pictures[1].objects[0].box == pytest.approx((0.1, 0.2, 0.4, 0.4))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b\n", "does not describe a data set"),
        ("val: images/val\n", "its names are neither a list"),
        ("val: images/val\nnames: 7\n", "its names are neither a list"),
        ("val: images/val\nnames: []\n", "its names are neither a list"),
        ("val: images/val\nnames: {a: b}\n", "which names no class"),
        ("val: images/val\nnames: [[1]]\n", "which names no class"),
        ("val: [\n", "it is broken"),
        ("val: images/val\nnames: !!python/object/apply:os.system [id]\n", "it is broken"),
        ("val: images/val\nnames: " + "[" * 5000, "it is nested too deep"),
        ("names: [bike, person]\n", "it has no 'val'"),
        ("val: 7\nnames: [bike, person]\n", "its val is 7, which does not lie below"),
        ("val: /etc\nnames: [bike, person]\n", "its val is '/etc', which does not lie below"),
        ("val: images/../../..\nnames: [bike, person]\n", "does not lie below"),
        ("val: ../../..\nnames: [bike, person]\n", "does not lie below"),
        ("val: labels\nnames: [bike, person]\n", "its val holds no picture"),
        ("val: gone\nnames: [bike, person]\n", "there is no "),
        ("val: data.yaml\nnames: [bike, person]\n", "there is no "),
    ],
)
def test_broken_and_hostile_descriptions_are_one_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataSetError, match=r"data\.yaml: ") as caught:
        read_yolo(described(tmp_path, text))
    assert words in str(caught.value)


def test_yaml_that_refers_to_itself_takes_no_more_than_its_file(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path = described(tmp_path, "\n".join([*lines, "val: images/val", "names: *a29", ""]))
    with pytest.raises(DataSetError, match="which names no class"):
        read_yolo(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 0.5 0.5 0.1\n", "line 1 has 3 numbers"),
        ("1 0.5 0.5 0.1 0.1 0.2\n", "line 1 has 5 numbers"),
        ("1 x 0.5 0.1 0.1\n", "line 1 is '1 x 0.5 0.1 0.1', not numbers"),
        ("9 0.5 0.5 0.1 0.1\n", "of the class 9, which data.yaml does not name"),
        ("0.5 0.5 0.5 0.1 0.1\n", "of the class 0.5"),
        ("nan 0.5 0.5 0.1 0.1\n", "it is broken"),
        ("inf 0.5 0.5 0.1 0.1\n", "it is broken"),
        ("1 50 50 10 10\n", "pixels are not meant here"),
        ("1 nan 0.5 0.1 0.1\n", "pixels are not meant here"),
        ("1 0.5 0.5 -0.1 0.1\n", "is no box: -0.1 x 0.1"),
        ("\xff", "not numbers"),
    ],
)
def test_broken_labels_are_one_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataSetError, match=r"b\.txt: ") as caught:
        read_yolo(labelled(tmp_path, text))
    assert words in str(caught.value)


@pytest.mark.parametrize("line", ["/etc/passwd", "../../a.jpg", "images/val/a.txt", "x" * 5000 + ".jpg"])
def test_a_list_that_leads_out_is_refused(tmp_path: Path, line: str) -> None:
    path = described(tmp_path, "val: list.txt\nnames: [bike, person]\n")
    (path.parent / "list.txt").write_text(f"images/val/a.jpg\n{line}\n")
    with pytest.raises(DataSetError, match="is no picture below"):
        read_yolo(path)


def test_without_pyyaml_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, imported = write_yolo(tmp_path / "yolo"), builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r'pip install "edgeproof\[accuracy\]"'):
        read_yolo(path)
