"""A first `[check]` is written from what is there, and is one that the reader takes."""

from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle
from edgeproof.check.first_config import find_bundles, write_first_check
from edgeproof.check.matrix import Wanted, cells_of
from edgeproof.config.boards import BoardProfile, all_boards
from edgeproof.config.check import read_check
from edgeproof.errors import ProfileError


@pytest.fixture
def folder(tmp_path: Path, tiny_bundles: dict[str, Path]) -> Path:
    (tmp_path / "build" / "bundles").mkdir(parents=True)
    (tmp_path / "build" / "bundles" / "int8").symlink_to(tiny_bundles["int8"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bundle.json").write_text("{}")
    return tmp_path


def test_whole_bundles_are_found_and_broken_ones_are_not(folder: Path) -> None:
    assert find_bundles(folder) == [folder / "build" / "bundles" / "int8"]


def test_what_is_written_can_be_checked(folder: Path) -> None:
    path = folder / "edgeproof.toml"
    path.write_text('# mine\n[boards.pi]\nhost = "pi@pi.local"\n')
    write_first_check(path, ["pi"], find_bundles(folder))
    config = read_check(path)
    assert config is not None
    assert config.boards == ("pi",)
    (cell,) = cells_of(config, path, Wanted(), [BoardProfile(host="pi", name="pi")])
    assert cell.bundle == folder / "build" / "bundles" / "int8"
    assert {gate.text.split()[0] for gate in cell.gates} == {"total", "peak_rss", "size"}
    (size,) = [gate for gate in cell.gates if gate.text.startswith("size")]
    assert open_bundle(cell.bundle).size_bytes / 1e6 < size.limit < 1.3 * open_bundle(cell.bundle).size_bytes / 1e6
    assert path.read_text().startswith("# mine\n[boards.pi]\n")
    assert set(all_boards(path)) == {"pi"}


def test_a_check_that_is_there_stays(folder: Path) -> None:
    path = folder / "edgeproof.toml"
    path.write_text("[check]\nruns = 5\n")
    with pytest.raises(ProfileError, match=r"has a \[check\] already"):
        write_first_check(path, [], find_bundles(folder))
    assert path.read_text() == "[check]\nruns = 5\n"


def test_without_a_bundle_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="there is no bundle below"):
        write_first_check(tmp_path / "edgeproof.toml", [], [])
    assert not (tmp_path / "edgeproof.toml").exists()
