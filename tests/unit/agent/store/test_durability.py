"""What the store renames is on the disk before it gets its name, and the name is afterwards."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeproof_agent.store.apps import switch
from edgeproof_agent.store.objects import Store, replace_file
from tests.support.stores import DIGEST, OTHER, locked_store, put


@dataclass
class Disk:
    """Notes what was synced, and holds each rename against it."""

    synced: list[str] = field(default_factory=list)
    unsynced_names: list[str] = field(default_factory=list)
    """Folders whose names have changed since they were synced."""
    renames: int = 0

    def sync(self, descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        self.synced.append(path)
        self.unsynced_names = [name for name in self.unsynced_names if name != path]

    def rename(self, source: "str | Path", target: "str | Path") -> None:
        old, new = (os.path.abspath(path) for path in (source, target))
        self.renames += 1
        if not os.path.islink(old):  # a link is a name and nothing else
            for path in [old, *_inside(old)]:
                assert path in self.synced, f"{path} got the name {new} and may be lost"
        self.unsynced_names.append(os.path.dirname(new))


def _inside(path: str) -> Iterator[str]:
    for folder, _, files in os.walk(path):
        yield folder
        for name in files:
            yield os.path.join(folder, name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def noted_fsync(descriptor: int) -> None:
        disk.sync(descriptor)
        fsync(descriptor)

    def noted_rename(source: str, target: str) -> None:
        disk.rename(source, target)
        rename(source, target)

    def noted_replace(source: str, target: str) -> None:
        disk.rename(source, target)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    monkeypatch.setattr(os, "replace", noted_replace)
    return disk


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with locked_store(tmp_path) as store:
        yield store


def test_a_small_file_is_on_the_disk_before_it_has_its_name(disk: Disk, tmp_path: Path) -> None:
    for data in (b"old", b"new"):
        replace_file(tmp_path / "chunks" / "list", data)
    assert disk.renames == 2
    assert disk.unsynced_names == []


def test_an_object_is_on_the_disk_before_it_has_its_name(disk: Disk, store: Store) -> None:
    put(store)
    assert disk.renames >= 1
    assert disk.unsynced_names == []


def test_a_switch_is_on_the_disk_when_it_is_done(disk: Disk, store: Store) -> None:
    put(store, DIGEST)
    put(store, OTHER)
    before = disk.renames
    switch(store, "app", DIGEST)
    switch(store, "app", OTHER)
    assert disk.renames > before
    assert disk.unsynced_names == []


def test_the_check_itself_finds_what_was_not_synced(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "written").write_bytes(b"data")
    with pytest.raises(AssertionError, match="may be lost"):
        os.replace(tmp_path / "written", tmp_path / "named")
    shutil.copy(tmp_path / "written", tmp_path / "copied")
    with (tmp_path / "copied").open("rb") as file:
        os.fsync(file.fileno())
    os.replace(tmp_path / "copied", tmp_path / "named")
    assert disk.unsynced_names == [str(tmp_path)]
