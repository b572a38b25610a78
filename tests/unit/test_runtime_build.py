"""A runtime is built from the wheels that came with it, offline, and a tool that fails is quoted."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgeproof_agent import runtime_build
from edgeproof_agent.runtime_build import RuntimeBuildError, build_environment

# Stands in for pip's wheel: pip is run as `python pip.whl/pip install ...`.
_PIP = """
import os, sys
assert sys.argv[1] == "install", sys.argv
lock = sys.argv[sys.argv.index("--requirement") + 1]
words = open(lock).read()
if words.startswith("fail"):
    sys.exit("no such package: " + words)
print(sorted(name for name in os.environ if name.startswith(("PIP_", "PYTHON"))))
with open(os.path.join(sys.prefix, "installed"), "w") as file:
    file.write("\\n".join(sys.argv[1:]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels/pip-99-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pip/__main__.py", _PIP)
    (tmp_path / "wheels/numpy-1-cp311-cp311-linux_aarch64.whl").write_bytes(b"")
    (tmp_path / "requirements.lock").write_text("numpy==1 --hash=sha256:00\n")
    return tmp_path


def build(folder: Path) -> None:
    build_environment(folder, lambda: None, 120)


def test_the_environment_is_filled_offline_by_hash_and_the_wheels_are_dropped(folder: Path) -> None:
    build(folder)
    arguments = (folder / "venv/installed").read_text().split("\n")
    assert {"--no-index", "--require-hashes", "--no-deps", "--isolated"} <= set(arguments)
    assert arguments[arguments.index("--find-links") + 1] == str(folder / "wheels")
    assert sorted(os.listdir(folder)) == ["requirements.lock", "venv"]
    version = subprocess.check_output(
        [folder / "venv/bin/python", "-c", "import sys; print(sys.version_info[:2])"], text=True
    )
    assert version.strip() == str(sys.version_info[:2])


def test_the_users_own_settings_of_pip_and_python_stay_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.invalid")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    seen = []
    run = subprocess.Popen

    def popen(command, **settings):
        seen.append(settings["env"])
        return run(command, **settings)

    monkeypatch.setattr(runtime_build.subprocess, "Popen", popen)
    build(folder)
    assert len(seen) == 2
    assert not [name for environment in seen for name in environment if name.startswith(("PIP_", "PYTHON"))]


def test_modules_that_lie_in_the_home_folder_do_not_get_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = folder / "home"
    home.mkdir()
    for name in ("venv", "json", "subprocess"):
        (home / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')")
    monkeypatch.chdir(home)
    build(folder)
    assert (folder / "venv/installed").exists()


def test_a_second_build_starts_from_nothing(folder: Path) -> None:
    (folder / "venv").mkdir()
    (folder / "venv/left.over").touch()
    build(folder)
    assert not (folder / "venv/left.over").exists()


def test_the_last_words_of_a_tool_that_fails_are_told(folder: Path) -> None:
    (folder / "requirements.lock").write_text("fail " + "x" * 10_000 + " the end")
    with pytest.raises(RuntimeBuildError, match="ended with status 1: .*the end$") as caught:
        build(folder)
    assert len(str(caught.value)) < 4000
    assert (folder / "wheels").is_dir(), "the wheels stay for another try"


@pytest.mark.parametrize("make_folder", [True, False])
def test_without_a_wheel_of_pip_nothing_is_built(tmp_path: Path, make_folder: bool) -> None:
    if make_folder:
        (tmp_path / "wheels").mkdir()
    with pytest.raises(RuntimeBuildError, match="no wheel of pip came with the runtime's wheels"):
        build(tmp_path)
    assert not (tmp_path / "venv").exists()


def test_a_tool_that_takes_too_long_is_ended_and_gives_signs_of_life_until_then(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow:
        killed = False

        def __init__(self, *_: object, **__: object) -> None:
            pass

        def wait(self, timeout: float | None = None) -> int:
            if not Slow.killed:
                raise subprocess.TimeoutExpired("venv", timeout or 0)
            return -9

        def kill(self) -> None:
            Slow.killed = True

    beats = []
    monkeypatch.setattr(runtime_build.subprocess, "Popen", Slow)
    with pytest.raises(RuntimeBuildError, match="took longer than 5 s"):
        build_environment(folder, lambda: beats.append(1), 5)
    assert Slow.killed
    assert len(beats) == 4


def test_the_lock_is_what_pip_is_given(folder: Path) -> None:
    digest = hashlib.sha256((folder / "requirements.lock").read_bytes()).hexdigest()
    build(folder)
    arguments = (folder / "venv/installed").read_text().split("\n")
    lock = Path(arguments[arguments.index("--requirement") + 1])
    assert hashlib.sha256(lock.read_bytes()).hexdigest() == digest
