"""What is remembered is what hashing would tell; whatever has happened to file or memory."""

import hashlib
import os
from pathlib import Path

import pytest

from edgeproof.local_files import remembered_digests as module
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.local_files.remembered_digests import remembered_digests


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def old(path: Path, text: str, seconds: float = 1_000_000.0) -> Path:
    path.write_text(text)
    os.utime(path, (seconds, seconds))
    return path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were really read."""
    names: list[str] = []

    def counted(path: Path) -> str:
        names.append(path.name)
        return sha256_of_file(path)

    monkeypatch.setattr(module, "sha256_of_file", counted)
    return names


def test_a_file_is_hashed_once(tmp_path: Path, hashed: list[str]) -> None:
    paths = [old(tmp_path / "a", "a"), old(tmp_path / "b", "b")]
    for _ in range(3):
        assert remembered_digests(paths, tmp_path / "kept" / "memory") == [sha256("a"), sha256("b")]
    assert hashed == ["a", "b"]


def test_a_file_of_another_size_time_or_place_is_hashed_anew(tmp_path: Path, hashed: list[str]) -> None:
    memory = tmp_path / "memory"
    path = old(tmp_path / "a", "a")
    remembered_digests([path], memory)
    old(path, "longer")
    assert remembered_digests([path], memory) == [sha256("longer")]
    old(path, "LONGER", 2_000_000.0)
    assert remembered_digests([path], memory) == [sha256("LONGER")]
    other = old(tmp_path / "other", "OTHERS", 2_000_000.0)
    other.replace(path)
    assert remembered_digests([path], memory) == [sha256("OTHERS")]
    assert hashed == ["a"] * 4


def test_a_file_that_was_just_changed_is_not_believed(tmp_path: Path, hashed: list[str]) -> None:
    path = tmp_path / "a"
    path.write_text("a")
    for _ in range(2):
        remembered_digests([path], tmp_path / "memory")
    assert hashed == ["a", "a"]


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"PATH": 5}', '{"PATH": []}', '{"PATH": [1, 2, 3, 4]}', "\0" * 99])
def test_a_damaged_memory_is_none(tmp_path: Path, damage: str) -> None:
    path = old(tmp_path / "a", "a")
    memory = tmp_path / "memory"
    memory.write_text(damage.replace("PATH", str(path)))
    assert remembered_digests([path], memory) == [sha256("a")]


def test_without_a_place_for_the_memory_it_is_hashed_each_time(tmp_path: Path, hashed: list[str]) -> None:
    path = old(tmp_path / "a", "a")
    for _ in range(2):
        assert remembered_digests([path], path / "memory") == [sha256("a")]
    assert hashed == ["a", "a"]


def test_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    path, other = old(tmp_path / "a", "a"), old(tmp_path / "b", "b")
    remembered_digests([path, other], tmp_path / "memory")
    remembered_digests([path], tmp_path / "memory")
    assert str(other) not in (tmp_path / "memory").read_text()
