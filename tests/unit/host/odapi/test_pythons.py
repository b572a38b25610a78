"""A Python for the Object Detection API is found wherever it is, and one that does not fit is told why."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeproof.errors import UsageError
from edgeproof.odapi import pythons
from edgeproof.odapi.pythons import VERSIONS, Python, find_python, require_python

LINUX = '"linux", "x86_64", "glibc", 8'


def fake(path: Path, answer: str) -> str:
    """An interpreter that answers whatever it is asked with the lines of a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return str(path)


def says(version: str, system: str = LINUX) -> str:
    return f"echo '[[{version.replace('.', ', ')}], {system}]'"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Python but this 3.13."""
    monkeypatch.setattr(pythons, "sys", SimpleNamespace(version_info=(3, 13, 0), executable=sys.executable))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin-of-nobody")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    return tmp_path


def test_the_preferred_version_is_taken_wherever_it_is(machine: Path) -> None:
    fake(machine / "bin" / "python3.11", says("3.11"))
    assert find_python().version == (3, 11)
    fake(machine / "uv" / "cpython-3.9.25-linux-x86_64-gnu" / "bin" / "python3.9", says("3.9"))
    assert find_python().version == (3, 9)
    of_pyenv = fake(machine / "pyenv" / "versions" / "3.10.13" / "bin" / "python3.10", says("3.10"))
    assert find_python() == Python(of_pyenv, (3, 10))
    on_path = fake(machine / "bin" / "python3.10", says("3.10"))
    assert find_python() == Python(on_path, (3, 10))


def test_this_very_python_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = fake(machine / "own", says("3.10"))
    monkeypatch.setattr(pythons, "sys", SimpleNamespace(version_info=(3, 10, 2), executable=own))
    fake(machine / "bin" / "python3.10", says("3.10"))
    assert find_python() == Python(own, (3, 10))


def test_one_that_cannot_make_an_environment_is_passed_over(machine: Path) -> None:
    fake(machine / "bin" / "python3.10", "printf 'Traceback\\nNo module named ensurepip\\n' >&2; exit 1")
    good = fake(machine / "pyenv" / "versions" / "3.11.7" / "bin" / "python3.11", says("3.11"))
    assert find_python().path == good


def test_without_any_it_is_said_what_to_install_and_why_those_here_do_not_do(machine: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_python()
    assert str(caught.value).startswith("The Object Detection API needs Python 3.9, 3.10 or 3.11 for an environment of")
    for how in ("uv python install 3.11", "pyenv install 3.11", "python3.11-venv", "--odapi-python PATH"):
        assert how in str(caught.value)
    shim = fake(
        machine / "bin" / "python3.11", "printf 'pyenv: python3.11: command not found\\nadvice\\n' >&2; exit 127"
    )
    with pytest.raises(UsageError) as caught:
        find_python()
    assert str(caught.value).endswith(f"\n  {shim}: it does not work (pyenv: python3.11: command not found)")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says("3.12"), "it is Python 3.12"),
        (says("3.11", '"linux", "x86_64", "", 8'), "it is for linux on x86_64, and TensorFlow 2.15 is locked for"),
        (says("3.11", '"linux", "armv7l", "glibc", 4'), "it is for linux on armv7l, and"),
        (says("3.11", '"darwin", "arm64", "", 8'), "it is for darwin on arm64, and"),
        ("echo hello", "it is no Python"),
        ("exit 3", "it does not work (no reason given)"),
    ],
)
def test_a_named_one_that_does_not_fit_is_refused(machine: Path, answer: str, reason: str) -> None:
    path = fake(machine / "mine", answer)
    with pytest.raises(UsageError, match=r"Name a Python 3\.9 to 3\.11") as caught:
        require_python(path)
    assert str(caught.value).startswith(f"--odapi-python {path}: {reason}")


def test_a_named_one_that_is_not_there_is_said_to_be_missing(machine: Path) -> None:
    with pytest.raises(UsageError, match=r"it does not start \(No such file or directory\)"):
        require_python(str(machine / "none"))


def test_a_real_python_is_understood() -> None:
    if sys.version_info[:2] in VERSIONS:
        assert require_python(sys.executable).version == sys.version_info[:2]
    else:
        with pytest.raises(UsageError, match=f"it is Python {sys.version_info[0]}.{sys.version_info[1]}"):
            require_python(sys.executable)
