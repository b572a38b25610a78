"""Labels fit the classes, with or without a line for the background."""

from pathlib import Path

import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.files.labels import Labels, read_labels


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


@pytest.mark.parametrize("text", ["person\n", "cat\nperson\ndog\n"])
def test_another_number_of_labels_is_refused_with_both_numbers(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=rf"it has {len(text.split())} labels?, and the model has 2 classes"):
        read_labels(write(tmp_path / "labels.txt", text), 2)


def test_a_missing_file_and_a_picture_are_no_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_labels(tmp_path / "nowhere.txt", 1)
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_labels(tmp_path / "picture.txt", 1)


LABEL_MAP = """
# COCO's, in part
item {
  name: "/m/01g317"
  id: 1
  display_name: "person"
}
item: { id: 3, name: 'car "taxi"' }
"""


def test_a_label_map_keeps_the_gaps_of_its_ids(tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path / "map.pbtxt", LABEL_MAP), 3)
    assert labels == Labels(("person", "???", 'car "taxi"'), label_offset=0, category_offset=1)


def test_a_label_map_s_item_0_is_the_background(tmp_path: Path) -> None:
    text = 'item { id: 0 name: "background" } item { id: 1 name: "person" }'
    assert read_labels(write(tmp_path / "map.txt", text), 1) == Labels(("person",))


COCO = '{"images": [], "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]}'


def test_coco_categories_keep_the_gaps_of_their_ids(tmp_path: Path) -> None:
    assert read_labels(write(tmp_path / "instances.json", COCO), 3).names == ("person", "???", "car")


def test_category_ids_without_a_gap_may_begin_anywhere(tmp_path: Path) -> None:
    text = '{"categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]}'
    assert read_labels(write(tmp_path / "zero.json", text), 2) == Labels(("a", "b"), category_offset=0)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("map.pbtxt", LABEL_MAP, "names 2 classes with ids 1 to 3, and the model has 7 classes"),
        ("map.pbtxt", 'item { name: "x" }', "item 1 of the label map has no id"),
        ("map.pbtxt", "# nothing", "names no class"),
        ("map.pbtxt", "nothing", "line 1: a colon or a brace after 'nothing' is expected"),
        ("map.pbtxt", 'item { id: 1 name: "a" } item { id: 1 name: "b" }', "the id 1 is there twice"),
        ("coco.json", '{"images": []}', "not COCO's JSON with categories"),
        ("coco.json", '{"categories": 5}', "not COCO's JSON with categories"),
        ("coco.json", '{"categories": []', "it is not JSON"),
    ],
)
def test_maps_that_do_not_fit_are_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_labels(write(tmp_path / name, text), 7)


def test_ids_with_gaps_for_classes_without_are_taken_in_their_order(tmp_path: Path) -> None:
    """80 classes with COCO's 80 categories, whose ids reach 90: an index is no id less an offset."""
    text = '{"categories": [{"id": 9, "name": "boat"}, {"id": 1, "name": "person"}, {"id": 3, "name": "car"}]}'
    labels = read_labels(write(tmp_path / "instances.json", text), 3)
    assert labels == Labels(("person", "car", "boat"), category_ids=(1, 3, 9))
    assert labels.words == "classes in the order of their ids 1 to 9, which have gaps"


def test_a_class_more_or_less_than_categories_is_refused(tmp_path: Path) -> None:
    for num_classes in (1, 4):
        with pytest.raises(UsageError, match="names 2 classes with ids 1 to 3"):
            read_labels(write(tmp_path / "instances.json", COCO), num_classes)


@pytest.mark.parametrize(
    ("name", "text", "num_classes", "labels"),
    [
        ("coral.txt", "0  person\n1  bicycle\n3  car\n", 5, ("person", "bicycle", "???", "car", "???")),
        ("colons.txt", "0: person\n1: traffic light\n", 2, ("person", "traffic light")),
        ("table.csv", "0,person\n1,traffic light\n", 2, ("person", "traffic light")),
        ("head.csv", 'id,name\n0,"person"\n1,"car"\n', 2, ("person", "car")),
        ("from_one.txt", "1 person\n2 car\n", 2, ("person", "car")),
        ("background.txt", "0 background\n1 person\n", 1, ("???", "person")),
        ("list.json", '["person", "car"]', 2, ("person", "car")),
        ("map.json", '{"0": "person", "2": "car"}', 3, ("person", "???", "car")),
        ("data.yaml", "path: x\nnames:\n  0: person\n  1: car # fast\n\nnc: 2\n", 2, ("person", "car")),
        ("data.yaml", "names: [person, 'traffic, light']\nnc: 2\n", 2, ("person", "traffic, light")),
        ("data.yml", 'nc: 2\nnames:\n- person\n- "car"\n', 2, ("person", "car")),
        ("data.yaml", "names: {0: person, 1: car}\n", 2, ("person", "car")),
        ("bom.txt", "\ufeffperson\r\ncar\r\n\r\n", 2, ("person", "car")),
        ("numbers.txt", "3 wheeler\n2 wheeler\n", 2, ("3 wheeler", "2 wheeler")),
    ],
)
def test_each_form_of_label_file_is_read_right(
    tmp_path: Path, name: str, text: str, num_classes: int, labels: tuple[str, ...]
) -> None:
    assert read_labels(write(tmp_path / name, text), num_classes).names == labels


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gap.txt", "person\n\ncar\n", "the label of line 2 is empty"),
        ("escape.txt", "person\nca\x1b[2Jr\n", "the label of line 2 holds control characters"),
        ("long.txt", "person\n" + "x" * 201 + "\n", "the label of line 2 has 201 characters"),
        ("many.txt", "\n".join(["x" * 100] * 900), "its labels have 90900 characters together, and 80000 are the most"),
        ("breaks.txt", "\n" * 1000, "it is empty"),
        ("escape.json", '{"categories": [{"id": 1, "name": "a\\u0000"}]}', "number 1 holds control characters"),
        ("infinite.json", '{"categories": [{"id": 1e999, "name": "a"}]}', "not COCO's JSON"),
        ("deep.json", "[" * 100_000, "it is nested too deep"),
        ("number.json", '{"0": 7}', "the label of number 0 is empty"),
        ("anchor.yaml", "names: &x [a]\n", "is written in a way that is not read here|none that can be read"),
        ("other.yaml", "train: images\nnc: 2\n", "it has no names: of its own"),
        (
            "beyond.txt",
            "0 a\n1 b\n2 c\n3 d\n4 e\n5 f\n6 g\n7 h\n",
            "have the numbers 0 to 7, and the model has 7 classes",
        ),
        ("first.txt", "1 a\n2 b\n", "have the numbers 1 to 2, and the model has 7 classes"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_labels(write(tmp_path / name, text), 7)


def test_an_id_0_that_is_no_background_is_the_first_class(tmp_path: Path) -> None:
    text = 'item { id: 0 name: "person" } item { id: 1 name: "car" }'
    assert read_labels(write(tmp_path / "map.pbtxt", text), 2) == Labels(("person", "car"), category_offset=0)
    with pytest.raises(UsageError, match="names 2 classes with ids 0 to 1, and the model has 1 class"):
        read_labels(write(tmp_path / "map.pbtxt", text), 1)


def test_no_labels_are_said(tmp_path: Path) -> None:
    assert read_labels(None, 2).words.startswith("no labels, so detections are called class 1 and so on")
    assert read_labels(write(tmp_path / "labels.txt", "a\nb\n"), 2).words == ""
