"""The environment of the Object Detection API: made once, whole or not at all, by one export at a time."""

import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeproof.errors import OdapiEnvironmentError
from edgeproof.local_files.cache_folder import CACHE_VARIABLE
from edgeproof.odapi import environment, installation
from edgeproof.odapi.environment import api_release, ensure_environment
from edgeproof.odapi.installation import environment_python, install
from edgeproof.odapi.pythons import Python
from edgeproof.wording.progress import Progress, ProgressListener, silent

PYTHON = Python(sys.executable, (3, 11))


class Installer:
    """Puts an interpreter where the environment is to be, and counts how often."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.calls, self._before = 0, before

    def __call__(self, python: Python, folder: Path, progress: ProgressListener) -> None:
        self.calls += 1
        environment_python(folder).parent.mkdir(parents=True)
        self._before()
        environment_python(folder).symlink_to(python.path)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(environment, "find_python", lambda: PYTHON)
    return tmp_path / "cache" / "odapi"


def left_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name != "lock")


def test_it_is_made_once_after_saying_how_large_it_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer, notes = Installer(), list[Progress]()
    python = ensure_environment(None, notes.append, installer)
    assert python.is_file()
    assert python.is_relative_to(root)
    assert [note.text for note in notes] == [
        f"setting up the Object Detection API for Python 3.11, once: 1.5 GB in {root}"
    ]
    monkeypatch.setattr(environment, "find_python", lambda: pytest.fail("it is there: no other Python is needed"))
    assert ensure_environment(None, silent, installer) == python
    assert installer.calls == 1


def test_its_name_is_that_of_the_locks(root: Path) -> None:
    version, digest = api_release().split(", locked as ")
    assert version == "2.8.0.post1"
    folder = environment_python(ensure_environment(None, silent, Installer()).parents[1]).parents[1]
    assert folder.name.startswith(f"{digest}-")
    assert folder.name.endswith("-python3.11")


def test_a_set_up_that_fails_leaves_nothing_and_can_be_tried_again(root: Path) -> None:
    def failed() -> None:
        raise OdapiEnvironmentError("no network")

    with pytest.raises(OdapiEnvironmentError, match="no network"):
        ensure_environment(None, silent, Installer(failed))
    assert left_in(root) == []
    assert ensure_environment(None, silent, Installer()).is_file()


def test_a_set_up_that_was_interrupted_leaves_nothing(root: Path) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_environment(None, silent, Installer(interrupted))
    assert left_in(root) == []


def test_what_a_killed_set_up_left_is_swept_by_the_next(root: Path) -> None:
    half = root / ".partial-abc" / "environment" / "bin"
    half.mkdir(parents=True)
    (half / "python").touch()
    python = ensure_environment(None, silent, Installer())
    assert left_in(root) == [python.parents[1].name]


def test_an_environment_whose_python_was_uninstalled_is_made_again(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "python3.11"
    shutil.copy("/bin/true", mine)
    python = ensure_environment(
        None, silent, lambda _, folder, listener: Installer()(Python(str(mine), (3, 11)), folder, listener)
    )
    mine.unlink()
    again = Installer()
    assert ensure_environment(None, silent, again) == python
    assert (again.calls, python.exists()) == (1, True)


def test_two_exports_at_once_make_one_environment() -> None:
    waiting, installer = threading.Event(), Installer(lambda: None)

    def hold() -> None:
        second.start()
        assert waiting.wait(20), "the second one did not wait"

    def note(event: Progress) -> None:
        if event.text.startswith("waiting for another export"):
            waiting.set()

    found: list[Path] = []
    second = threading.Thread(target=lambda: found.append(ensure_environment(None, note, installer)))
    python = ensure_environment(None, silent, Installer(hold))
    second.join(20)
    assert found == [python]
    assert installer.calls == 0


def test_a_full_disk_is_told_before_anything_is_fetched(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300_000_000))
    installer = Installer()
    with pytest.raises(OdapiEnvironmentError, match=r"0\.3 GB are free, .* takes 2\.5 GB\. .* set EDGEPROOF_CACHE"):
        ensure_environment(None, silent, installer)
    assert installer.calls == 0


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(OdapiEnvironmentError, match=r"a file is where a folder would have to be\. Set EDGEPROOF_CACHE"):
        ensure_environment(None, silent, Installer())


def test_a_named_python_has_an_environment_of_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_environment(None, silent, Installer())
    monkeypatch.setattr(environment, "require_python", lambda named: Python(named, (3, 9)))
    second = ensure_environment(sys.executable, silent, Installer())
    assert second != first
    assert second.parents[1].name.endswith("-python3.9")


def test_a_package_index_that_cannot_be_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real pip of a real environment."""
    lock = tmp_path / "tools.lock"
    lock.write_text(f"setuptools==82.0.1 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(installation, "LOCKS", (lock, lock))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(OdapiEnvironmentError) as caught:
        install(PYTHON, tmp_path / "environment", silent)
    assert "cannot be set up: Could not find a version that satisfies the requirement setuptools" in str(caught.value)
    assert "Connect, then try again" in str(caught.value)


def test_a_python_that_makes_no_environment_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "python3.11"
    broken.write_text("#!/bin/sh\necho 'Error: ensurepip is not available'; exit 1\n")
    broken.chmod(0o755)
    with pytest.raises(OdapiEnvironmentError, match="cannot make a virtual environment: Error: ensurepip is not"):
        install(Python(str(broken), (3, 11)), tmp_path / "environment", silent)
