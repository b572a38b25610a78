"""A runtime is built from the wheels that came with it, offline, and what is wrong with one of them is told."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof_agent.store.runtime_build import SYSTEM_PACKAGES_LINE, RuntimeBuildError, build_environment

# Stands in for PyPA's installer, which provisioning a board tests: unpacks a wheel into site-packages, as it is.
_INSTALLER = """
import os, threading, zipfile
hold = threading.Event()
hold.set()
def install(source, destination, additional_metadata):
    hold.wait(60)
    name = os.path.basename(source.filename)
    if name.startswith("full"):
        raise OSError(28, "No space left on device", name)
    source.extractall(destination.scheme["purelib"])
    with open(os.path.join(destination.scheme["scripts"], "by-" + name), "w") as script:
        script.write(destination.interpreter)
"""
_DESTINATIONS = """
class SchemeDictionaryDestination:
    def __init__(self, scheme, interpreter, script_kind):
        self.scheme, self.interpreter = scheme, interpreter
"""
_SOURCES = """
import zipfile
class WheelFile:
    open = zipfile.ZipFile
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wheels").mkdir()
    modules = {"__init__": _INSTALLER, "destinations": _DESTINATIONS, "sources": _SOURCES}
    add_wheel(tmp_path, "installer", {f"installer/{name}.py": text for name, text in modules.items()})
    add_wheel(tmp_path, "numpy", {"numpy/__init__.py": "answer = 42"})
    return tmp_path


@pytest.fixture(autouse=True)
def _forget_the_stand_in() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "installer"]:
        del sys.modules[name]


def add_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """Adds a wheel with its hash in the lock."""
    path = folder / f"wheels/{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in files.items():
            wheel.writestr(member, text)
    with (folder / "requirements.lock").open("a") as lock:
        lock.write(f"{name}==1 \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return path


def build(folder: Path) -> None:
    build_environment(folder, lambda: None, 120)


def runs(folder: Path, code: str) -> str:
    return subprocess.check_output([folder / "venv/bin/python", "-I", "-c", code], text=True).strip()


def test_the_environment_is_filled_from_the_wheels_which_are_dropped(folder: Path) -> None:
    build(folder)
    assert runs(folder, "import numpy; print(numpy.answer)") == "42"
    assert runs(folder, "import sys; print(sys.version_info[:2])") == str(sys.version_info[:2])
    assert sorted(os.listdir(folder)) == ["requirements.lock", "venv"]
    assert (folder / "venv/bin/by-numpy-1-py3-none-any.whl").read_text() == str(folder / "venv/bin/python")
    assert not list(folder.glob("venv/bin/by-installer*")), "the tool is no part of the runtime"
    assert not [path for path in sys.path if "installer" in path]


def test_what_is_never_loaded_is_left_out_and_what_another_runtime_has_is_shared(folder: Path) -> None:
    large = "x" * 20_000
    add_wheel(folder, "lite", {"ai_edge_litert/libGpuAccelerator.so": large, "ai_edge_litert/libcore.so": large})
    packages = f"venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/ai_edge_litert"
    other = folder.parent / f"{folder.name}-other"
    (other / packages).mkdir(parents=True)
    (other / packages / "libcore.so").write_text(large)
    build_environment(folder, lambda: None, 120, [other])
    assert [path.name for path in (folder / packages).iterdir()] == ["libcore.so"]
    assert (folder / packages / "libcore.so").samefile(other / packages / "libcore.so")


def test_the_packages_of_the_distribution_stay_out(folder: Path) -> None:
    build(folder)
    assert "include-system-site-packages = false" in (folder / "venv/pyvenv.cfg").read_text()


def test_a_lock_that_says_so_lets_the_packages_of_the_distribution_in(folder: Path) -> None:
    lock = folder / "requirements.lock"
    lock.write_text(f"{SYSTEM_PACKAGES_LINE}\n{lock.read_text()}")
    build(folder)
    assert "include-system-site-packages = true" in (folder / "venv/pyvenv.cfg").read_text()


def test_a_wheel_that_is_not_the_locks_is_not_unpacked(folder: Path) -> None:
    with zipfile.ZipFile(folder / "wheels/numpy-1-py3-none-any.whl", "a") as wheel:
        wheel.writestr("evil.py", "")
    with pytest.raises(RuntimeBuildError, match=r"numpy-1-py3-none-any.whl is not a wheel of the lock"):
        build(folder)
    assert not (folder / "venv").exists()
    assert len(list((folder / "wheels").iterdir())) == 2, "the wheels stay for another try"


def test_modules_that_lie_in_the_home_folder_do_not_get_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "installer.py").write_text("raise SystemExit('the wrong installer')")
    monkeypatch.chdir(home)
    build(folder)
    assert runs(folder, "import numpy; print(numpy.answer)") == "42"


def test_a_second_build_starts_from_nothing(folder: Path) -> None:
    (folder / "venv").mkdir()
    (folder / "venv/left.over").touch()
    build(folder)
    assert not (folder / "venv/left.over").exists()


def test_a_broken_wheel_is_named(folder: Path) -> None:
    broken = folder / "wheels/cv2-1-py3-none-any.whl"
    broken.write_bytes(b"not a zip file")
    with (folder / "requirements.lock").open("a") as lock:
        lock.write(f"cv2==1 --hash=sha256:{hashlib.sha256(broken.read_bytes()).hexdigest()}\n")
    with pytest.raises(RuntimeBuildError, match=r"cv2-1-py3-none-any.whl cannot be unpacked: File is not a zip file"):
        build(folder)


def test_a_full_disk_stays_the_disks_error(folder: Path) -> None:
    add_wheel(folder, "full", {})
    with pytest.raises(OSError, match="No space left on device"):
        build(folder)


@pytest.mark.parametrize("make_folder", [True, False])
def test_without_a_wheel_of_installer_nothing_is_built(tmp_path: Path, make_folder: bool) -> None:
    if make_folder:
        (tmp_path / "wheels").mkdir()
    with pytest.raises(RuntimeBuildError, match="no wheel of installer came with the runtime's wheels"):
        build(tmp_path)
    assert not (tmp_path / "venv").exists()


def test_a_wheel_that_is_no_installer_is_told(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    add_wheel(tmp_path, "installer", {"installer/__init__.py": ""})
    with pytest.raises(RuntimeBuildError, match="installer-1-py3-none-any.whl cannot be used"):
        build(tmp_path)


def test_a_build_that_takes_too_long_ends_with_signs_of_life_until_then(folder: Path) -> None:
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        stand_in.hold.clear()

    sys.path.insert(0, str(folder / "wheels/installer-1-py3-none-any.whl"))
    try:
        import installer as stand_in
    finally:
        sys.path.pop(0)
    assert isinstance(stand_in.hold, threading.Event)
    stand_in.hold.clear()
    try:
        with pytest.raises(RuntimeBuildError, match="took too long"):
            build_environment(folder, beat, 2)
    finally:
        stand_in.hold.set()
    assert beats
