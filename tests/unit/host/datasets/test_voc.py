"""Folders of PASCAL VOC: splits, how pixels are counted, difficult objects, and hostile XML."""

from pathlib import Path

import pytest

from edgeproof.datasets.voc import read_voc
from edgeproof.errors import DataSetError
from tests.support.label_files import voc_annotation, voc_object, write_voc

BOX = (10.0, 20.0, 30.0, 40.0)


def with_annotation(tmp_path: Path, text: str | bytes) -> Path:
    folder = write_voc(tmp_path / "voc")
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "Annotations" / "a.xml").write_bytes(data)
    return folder


def test_pixels_are_counted_from_1_unless_an_edge_is_0(tmp_path: Path) -> None:
    folder = write_voc(tmp_path / "voc")
    assert "edges of boxes are read from 1, as VOC counts pixels" in read_voc(folder).notes
    text = voc_annotation(voc_object("bike", (-1.0, 20.0, 30.0, 40.0)))
    (folder / "Annotations" / "a.xml").write_text(text)
    data_set = read_voc(folder)
    assert "edges of boxes are read from 0, since some begin there" in data_set.notes
    assert data_set.pictures[0].objects[0].box == (0.0, 21.0, 29.0, 39.0)


def test_difficult_objects_are_kept_as_such(tmp_path: Path) -> None:
    text = voc_object("bike", BOX, "<difficult>1</difficult>") + voc_object("bike", BOX, "<difficult>0</difficult>")
    data_set = read_voc(with_annotation(tmp_path, voc_annotation(text)))
    assert [one.crowd for one in data_set.pictures[0].objects] == [True, False]


def test_a_split_is_a_list_of_the_folder(tmp_path: Path) -> None:
    folder = write_voc(tmp_path / "voc", "val")
    (folder / "ImageSets" / "Main" / "few.txt").write_text("c\n")
    assert [picture.path.stem for picture in read_voc(folder, split="few").pictures] == ["c"]
    assert read_voc(folder).notes[0] == "3 pictures of ImageSets/Main/val.txt"
    with pytest.raises(DataSetError, match=r"there is no split 'train'\. There are: few, val"):
        read_voc(folder, split="train")
    with pytest.raises(DataSetError, match="there is no split"):
        read_voc(folder, split="../../../etc/passwd")


def test_without_lists_all_annotations_are_taken(tmp_path: Path) -> None:
    assert read_voc(write_voc(tmp_path / "voc", None)).notes[0] == "3 pictures of Annotations"


def test_pictures_elsewhere_and_of_another_kind_are_found(tmp_path: Path) -> None:
    folder = write_voc(tmp_path / "voc")
    (folder / "JPEGImages").rename(tmp_path / "far")
    (tmp_path / "far" / "a.jpg").rename(tmp_path / "far" / "a.PNG")
    with pytest.raises(DataSetError, match=r"no picture a\.jpg .*--images-root"):
        read_voc(folder)
    assert [picture.name for picture in read_voc(folder, tmp_path / "far").pictures] == ["a.PNG", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "x" * 300])
def test_a_listed_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_voc(tmp_path / "voc")
    (folder / "ImageSets" / "Main" / "val.txt").write_text(f"a\n{name}\n")
    with pytest.raises(DataSetError, match="leads out of the folder"):
        read_voc(folder)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE annotation [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><annotation><object><name>&i;</name></object></annotation>"
)
LEAK = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><object><name>&x;</name></object></annotation>'
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no element found"),
        ("<annotation>", "no element found"),
        ("<html></html>", "begins with <html>, not with <annotation>"),
        (BOMB, "declares a document type"),
        (LEAK, "declares a document type"),
        (BOMB.encode("utf-16"), "declares a document type"),
        (voc_annotation("<a>" * 100 + "</a>" * 100), "nested too deep"),
        (voc_annotation("<object></object>"), "an object has no name"),
        (voc_annotation("<object><name>a</name></object>"), "bndbox/xmin is '', not a number"),
        (voc_annotation(voc_object("a", BOX).replace("<ymax>60", "<ymax>x")), "bndbox/ymax is 'x"),
        (voc_annotation(voc_object("a", BOX).replace("<ymax>60", "<ymax>nan")), "which no picture has"),
        (voc_annotation(voc_object("a", BOX).replace("<ymax>60", "<ymax>1e99")), "which no picture has"),
        (voc_annotation(voc_object("a", (10, 20, 30, -40))), "inside out"),
        (voc_annotation(voc_object("x" * 2000, BOX)), "over 1000 characters long"),
        (b"\xff\xfe\x00", "it is broken"),
    ],
)
def test_hostile_annotations_are_one_error(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(DataSetError, match=r"a\.xml: ") as caught:
        read_voc(with_annotation(tmp_path, text))
    assert words in str(caught.value)


def test_a_file_that_never_ends_is_not_read_whole(tmp_path: Path) -> None:
    folder = with_annotation(tmp_path, "<annotation>" + " " * (5 << 20) + "</annotation>")
    with pytest.raises(DataSetError, match=r"a\.xml: it is over 4 MiB long"):
        read_voc(folder)
