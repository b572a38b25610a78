"""The template's compiled form is kept and taken, and whatever has become of it the page is the same."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.environment import Environment

from edgeproof.local_files.cache_folder import CACHE_VARIABLE
from edgeproof.report.html import _FILTERS
from edgeproof.report.page.template import page_template


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The templates that were compiled."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    names: list[str] = []
    compile_source = Environment.compile

    def noted(self: Environment, source: str, name: str | None = None, *rest: object, **more: object) -> object:
        names.append(str(name))
        return compile_source(self, source, name, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", noted)
    return names


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").rglob("*.cache"))


def read_page() -> None:
    template = page_template(_FILTERS)
    with pytest.raises(UndefinedError):
        template.render()  # it runs, and a name that is missing is an error


def test_it_is_compiled_once(compiled: list[str], tmp_path: Path) -> None:
    read_page()
    read_page()
    assert compiled == ["report.html.j2"]
    (folder,) = {path.parent for path in kept(tmp_path)}
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "folder"])
def test_what_is_damaged_is_compiled_anew(compiled: list[str], tmp_path: Path, damage: str) -> None:
    read_page()
    for path in kept(tmp_path):
        data = path.read_bytes()
        path.unlink()
        if damage == "folder":
            path.mkdir()
        else:
            path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "other": data[:-400] + bytes(400)}[damage])
    read_page()
    assert compiled == ["report.html.j2"] * 2


def test_a_folder_that_others_can_write_to_is_not_read(compiled: list[str], tmp_path: Path) -> None:
    read_page()
    (folder,) = {path.parent for path in kept(tmp_path)}
    folder.chmod(0o777)
    read_page()
    assert len(compiled) == 2


def test_without_a_place_for_it_the_page_is_made_all_the_same(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    read_page()
    assert compiled == ["report.html.j2"]
