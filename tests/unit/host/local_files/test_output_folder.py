"""A run replaces what an earlier one has listed as its own, and nothing that is the user's."""

import json
import os
from pathlib import Path

import pytest

from edgeproof.errors import PictureFolderError, UsageError
from edgeproof.local_files.output_folder import OutputFolder, listed_outputs
from edgeproof.runs.pictures import find_pictures


def run(out: Path, **files: str) -> None:
    folder = OutputFolder.open(out)
    with folder.sealed():
        for path, text in zip(folder.claim(*(name.replace("__", "/") for name in files)), files.values(), strict=True):
            path.write_text(text)


def there(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "outputs.json")
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_a_later_run_replaces_what_the_earlier_one_wrote(tmp_path: Path) -> None:
    run(tmp_path / "out", report="1", annotated__a="1", annotated__b="1")
    run(tmp_path / "out", report="2", annotated__b="2", frames__c="2")
    assert there(tmp_path / "out") == {"report": "2", "annotated/b": "2", "frames/c": "2"}
    run(tmp_path / "out", report="3")
    assert sorted(os.listdir(tmp_path / "out")) == ["outputs.json", "report"]


def test_files_that_the_user_put_beside_them_stay(tmp_path: Path) -> None:
    run(tmp_path, annotated__a="1")
    (tmp_path / "annotated" / "mine").write_text("mine")
    (tmp_path / "notes").write_text("mine")
    run(tmp_path, annotated__a="2")
    assert there(tmp_path) == {"annotated/a": "2", "annotated/mine": "mine", "notes": "mine"}


@pytest.mark.parametrize("names", [["detections.json", "annotated/holiday.jpg"], ["report.json"], [".hidden"]])
def test_a_folder_without_our_list_is_refused_and_stays(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[]")
    before = there(tmp_path)
    with pytest.raises(UsageError, match="the folder is not empty, and edgeproof has not listed"):
        OutputFolder.open(tmp_path)
    assert there(tmp_path) == before


def test_a_file_that_the_user_changed_is_not_replaced(tmp_path: Path) -> None:
    run(tmp_path, a="1", b="1")
    (tmp_path / "b").write_text("edited")
    with pytest.raises(UsageError, match="b: it was changed after edgeproof wrote it"):
        OutputFolder.open(tmp_path)
    assert there(tmp_path) == {"a": "1", "b": "edited"}


def test_a_file_that_is_changed_while_the_run_is_under_way_is_not_replaced(tmp_path: Path) -> None:
    run(tmp_path, a="1")
    folder = OutputFolder.open(tmp_path)
    (tmp_path / "a").write_text("edited")
    with pytest.raises(UsageError, match="it was changed"):
        folder.claim("a")
    assert there(tmp_path) == {"a": "edited"}


def test_nothing_goes_before_the_first_claim(tmp_path: Path) -> None:
    run(tmp_path, a="1")
    with OutputFolder.open(tmp_path).sealed():
        pass
    assert there(tmp_path) == {"a": "1"}
    assert listed_outputs(tmp_path) is not None
    run(tmp_path, a="2")


def test_an_interrupted_run_is_replaced(tmp_path: Path) -> None:
    folder = OutputFolder.open(tmp_path)
    (path,) = folder.claim("annotated/a")
    path.write_text("half")  # and the process is killed
    run(tmp_path, report="2")
    assert there(tmp_path) == {"report": "2"}


@pytest.mark.parametrize("name", ["mine", "link", "folder/mine", "gone"])
def test_a_new_name_never_takes_the_place_of_a_file_of_the_users(tmp_path: Path, name: str) -> None:
    folder = OutputFolder.open(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").write_text("mine")
    (tmp_path / "out" / "mine").write_text("mine")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere" / "mine")
    (tmp_path / "out" / "gone").symlink_to(tmp_path / "elsewhere" / "gone")
    (tmp_path / "out" / "folder").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="something is there already"):
        folder.claim(name)
    assert there(tmp_path / "elsewhere") == {"mine": "mine"}


@pytest.mark.parametrize("name", ["../mine", "/{}/mine", "a/../../mine", "link/mine"])
def test_a_strangers_list_deletes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(tmp_path)
    name = name.format(str(tmp_path).strip("/"))
    (out / "outputs.json").write_text(json.dumps({"schema": "edgeproof.outputs/1", "files": {name: None}}))
    run(out, a="1")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": "edgeproof.outputs/1"}', "[" * 100_000])
def test_a_list_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs.json").write_text(text)
    with pytest.raises(UsageError, match="the folder is not empty"):
        OutputFolder.open(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="Choose another --out"):
        OutputFolder.open(tmp_path / "out")


def photo(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    return path


def test_what_an_earlier_run_drew_is_no_input(tmp_path: Path) -> None:
    for name in ("a.jpg", "album/b.jpg"):
        photo(tmp_path, name)
    run(tmp_path / "results", annotated__a_jpg="drawn")
    with OutputFolder.open(tmp_path / "album" / "results").sealed() as folder:
        folder.claim("annotated/b.jpg")[0].write_text("drawn")
    notes: list[str] = []
    found = find_pictures([tmp_path], notes.append)
    assert [picture.name for picture in found] == ["a.jpg", "b.jpg"]
    assert notes == [f"{tmp_path}: 1 picture of an earlier run's output left out"]
    with pytest.raises(PictureFolderError):
        find_pictures([tmp_path / "album" / "results" / "annotated"], notes.append)
    with pytest.raises(UsageError, match="an earlier run wrote this picture"):
        find_pictures([tmp_path / "album" / "results" / "annotated" / "b.jpg"])


def test_pictures_that_are_not_read_are_named_once_a_kind(tmp_path: Path) -> None:
    photo(tmp_path, "a.jpg")
    for index in range(5):
        photo(tmp_path, f"{index}.HEIC")
    photo(tmp_path, "clip.mp4")
    photo(tmp_path, "notes.txt")
    notes: list[str] = []
    find_pictures([tmp_path], notes.append)
    assert notes == [
        f"{tmp_path}: left out 0.HEIC, 1.HEIC, 2.HEIC and 2 more: .heic is not read, convert them to JPEG, on a Mac or "
        "with heif-convert",
        f"{tmp_path}: left out clip.mp4: .mp4 is not read, name it by itself: it is streamed",
    ]


def test_pictures_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    paths = [photo(tmp_path, name) for name in ("a/x.jpg", "b/x.jpg", "B/x.jpg", "a_x.jpg", "y" * 240 + ".jpg")]
    found = find_pictures(paths)
    assert len({picture.name for picture in found}) == 5
    drawn = [picture.annotated_name for picture in found]
    assert len({name.casefold() for name in drawn}) == 5
    assert all("/" not in name and len(name.encode()) < 255 for name in drawn)


def test_a_run_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    with OutputFolder.open(tmp_path / "a" / "out").sealed():
        pass
    assert list(tmp_path.iterdir()) == []
    with OutputFolder.open(tmp_path / "a" / "out").sealed() as folder:
        folder.claim("report.json", "annotated/a.jpg")
        assert "outputs.json" in os.listdir(tmp_path / "a" / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_when_nothing_was_written(tmp_path: Path) -> None:
    with OutputFolder.open(tmp_path).sealed() as folder:
        folder.claim("annotated/a.jpg")
    assert tmp_path.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_run_left_stays_when_nothing_is_claimed(tmp_path: Path) -> None:
    run(tmp_path / "out", a="1")
    with OutputFolder.open(tmp_path / "out").sealed():
        pass
    assert there(tmp_path / "out")["a"] == "1"
    assert listed_outputs(tmp_path / "out")


def test_what_is_kept_for_the_next_run_stays_and_the_folder_is_still_ours(tmp_path: Path) -> None:
    for _ in range(2):
        with OutputFolder.open(tmp_path / "out").sealed() as folder:
            folder.hold()
            (tmp_path / "out" / "cells").mkdir(exist_ok=True)
            (tmp_path / "out" / "cells" / "one").write_text("1")
    assert there(tmp_path / "out") == {"cells/one": "1"}
    run(tmp_path / "out", report="1")
    with OutputFolder.open(tmp_path / "out").sealed() as folder:
        folder.hold()
    assert there(tmp_path / "out") == {"cells/one": "1", "report": "1"}


def test_a_held_folder_in_which_nothing_was_kept_goes(tmp_path: Path) -> None:
    with OutputFolder.open(tmp_path / "out").sealed() as folder:
        folder.hold()
        assert os.listdir(tmp_path / "out") == ["outputs.json"]
    assert list(tmp_path.iterdir()) == []
