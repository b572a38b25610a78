"""Labels fit the classes, with or without a line for the background."""

from pathlib import Path

import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.labels import Labels, read_labels


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_one_label_a_class(tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path / "labels.txt", "person\r\n???\r\ndining table\r\n"), 3)
    assert labels == Labels(("person", "???", "dining table"), label_offset=0, category_offset=1)


def test_a_line_for_the_background_shifts_the_labels(tmp_path: Path) -> None:
    assert read_labels(write(tmp_path / "labels.txt", "???\nperson\n"), 1).label_offset == 1


def test_without_a_file_classes_are_numbered() -> None:
    assert read_labels(None, 2).names == ("class 1", "class 2")


@pytest.mark.parametrize("text", ["person\n", "cat\nperson\ndog\n", ""])
def test_another_number_of_labels_is_refused_with_both_numbers(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=rf"it has {len(text.split())} labels, and the model has 2 classes"):
        read_labels(write(tmp_path / "labels.txt", text), 2)


def test_a_missing_file_and_a_picture_are_no_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_labels(tmp_path / "nowhere.txt", 1)
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_labels(tmp_path / "picture.txt", 1)
