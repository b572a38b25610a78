"""A machine has a name of its own on a board: the same at every call, another for another installation."""

import re
import sys
from pathlib import Path

import pytest

from edgeproof.board.store.this_host import this_host


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEPROOF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_stays_and_is_another_one_elsewhere(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = this_host()
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert this_host() == name
    monkeypatch.setattr(sys, "prefix", "/another/installation")
    assert this_host() != name
    monkeypatch.undo()
    monkeypatch.setenv("EDGEPROOF_CACHE", str(tmp_path / "of another machine"))
    assert this_host() != name


def test_without_a_place_for_it_the_machine_s_own_name_has_to_do(cache: Path) -> None:
    cache.write_text("no folder")
    assert this_host() == this_host()


def test_a_damaged_file_is_no_trouble(cache: Path) -> None:
    cache.mkdir()
    (cache / "host").write_bytes(b"\xff\xfe")
    assert re.fullmatch("[0-9a-f]{32}", this_host())
