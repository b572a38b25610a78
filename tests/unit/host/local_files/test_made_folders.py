"""What was made in vain goes; what was there, or holds something, stays."""

from pathlib import Path

import pytest

from edgeproof.local_files.made_folders import nearest_existing, remove_made


def test_all_that_was_made_goes_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    there = nearest_existing(folder)
    assert there == tmp_path
    folder.mkdir(parents=True)
    remove_made(folder, there)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_though_it_is_empty(tmp_path: Path) -> None:
    remove_made(tmp_path, nearest_existing(tmp_path))
    assert tmp_path.is_dir()


def test_what_holds_something_stays_with_all_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    there = nearest_existing(folder)
    folder.mkdir(parents=True)
    (tmp_path / "a" / "mine").write_text("mine")
    remove_made(folder, there)
    assert (tmp_path / "a" / "mine").read_text() == "mine"
    assert not folder.exists()


def test_a_relative_path_is_made_and_removed_where_the_process_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("a/b")
    there = nearest_existing(folder)
    folder.mkdir(parents=True)
    remove_made(folder, there)
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_nowhere_is_something(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert nearest_existing(tmp_path / "link") == tmp_path / "link"
