"""Files that two runtimes have alike are one on the disk; nothing else is touched."""

import os
from pathlib import Path

import pytest

from edgeproof_agent.store.prune import disk_bytes
from edgeproof_agent.store.shared_files import share_files

LARGE = os.urandom(20_000)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def always() -> bool:
    return True


def test_the_same_file_by_the_same_name_is_one(tmp_path: Path) -> None:
    old = write(tmp_path / "old", {"cv2/cv2.so": LARGE, "numpy/a.so": LARGE, "small.py": b"1"})
    new = write(tmp_path / "new", {"cv2/cv2.so": LARGE, "numpy/a.so": LARGE[::-1], "small.py": b"1"})
    alone = disk_bytes(new)
    saved = share_files(new, [tmp_path / "none", old], always)
    assert (new / "cv2/cv2.so").samefile(old / "cv2/cv2.so")
    assert not (new / "numpy/a.so").samefile(old / "numpy/a.so"), "other bytes"
    assert not (new / "small.py").samefile(old / "small.py"), "a file of one block is not worth a link"
    assert (new / "numpy/a.so").read_bytes() == LARGE[::-1]
    assert saved >= len(LARGE)
    assert alone - disk_bytes(new) == saved // 2, "each has its part"
    assert sorted(path.name for path in new.rglob("*.so*")) == ["a.so", "cv2.so"]


def test_a_runtime_that_goes_takes_nothing_from_the_other(tmp_path: Path) -> None:
    old, new = (write(tmp_path / name, {"cv2.so": LARGE}) for name in ("old", "new"))
    share_files(new, [old], always)
    (old / "cv2.so").unlink()
    assert (new / "cv2.so").read_bytes() == LARGE


def test_modes_links_and_a_third_runtime(tmp_path: Path) -> None:
    first = write(tmp_path / "first", {"program": LARGE, "target": LARGE, "cv2.so": LARGE})
    second, third = (write(tmp_path / name, {"program": LARGE, "cv2.so": LARGE}) for name in ("second", "third"))
    (second / "program").chmod(0o755)
    (second / "target").symlink_to("/bin/sh")
    for folder in (second, third):
        share_files(folder, [first], always)
    assert not (second / "program").samefile(first / "program"), "one can be run, the other not"
    assert (second / "target").is_symlink()
    assert (first / "cv2.so").stat().st_nlink == 3


def test_a_file_system_without_hard_links_keeps_its_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    old, new = (write(tmp_path / name, {"cv2.so": LARGE}) for name in ("old", "new"))
    monkeypatch.setattr(os, "link", refuse)
    assert share_files(new, [old], always) == 0
    assert (new / "cv2.so").read_bytes() == LARGE
    assert [path.name for path in new.iterdir()] == ["cv2.so"]


def test_it_ends_when_it_takes_too_long(tmp_path: Path) -> None:
    old, new = (write(tmp_path / name, {"cv2.so": LARGE}) for name in ("old", "new"))
    assert share_files(new, [old], lambda: False) == 0
