"""A stranger's name leads to a file below a folder, and a file system can have it."""

from pathlib import Path

import pytest

from edgeproof.local_files.inner_names import is_inner_name


@pytest.mark.parametrize(
    "name", ["a", "a/b/c.jpg", ".hidden", "ü 🚦.png", "a\\b", "x" * 255, "/".join(["x" * 200] * 15)]
)
def test_a_name_below_a_folder_can_be_written_there(tmp_path: Path, name: str) -> None:
    assert is_inner_name(name)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert path.resolve().is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/a",
        "a/../b",
        "../a",
        "a\0b",
        "\ud800",
        "x" * 256,
        "ü" * 128,
        "/".join(["x" * 200] * 21),
        None,
        3,
    ],
)
def test_what_leads_elsewhere_or_is_no_name_is_refused(name: object) -> None:
    assert not is_inner_name(name)
