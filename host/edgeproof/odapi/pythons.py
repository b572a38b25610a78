"""Finds a Python that the Object Detection API's TensorFlow runs on, which this Python need not be."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import UsageError

VERSIONS = ((3, 10), (3, 9), (3, 11))
"""That TensorFlow 2.15 has wheels for; the preferred one first. The API needs protobuf 3.20, whose wheels for 3.11 are
in pure Python: an export takes twice as long there.
"""

_MACHINES = ("x86_64", "aarch64")
_ANSWER_SECONDS = 20
# Debian's Python lacks ensurepip, and so cannot make an environment, unless python3-venv is installed.
_QUESTION = """
import ensurepip, json, platform, ssl, struct, sys, venv, zlib
system = [sys.platform, platform.machine(), platform.libc_ver()[0], struct.calcsize("P")]
print(json.dumps([sys.version_info[:2], *system]))
"""
_HOW = (
    "Install one and try again (`uv python install 3.11`, `pyenv install 3.11`, or Debian's python3.11 and "
    "python3.11-venv), or name it with --odapi-python PATH."
)


@dataclass(frozen=True)
class Python:
    path: str
    version: tuple[int, int]


def require_python(named: str) -> Python:
    """The Python that the user named, by its path or as a command. Raises UsageError when the API cannot run on it."""
    found = _ask(named)
    if isinstance(found, str):
        raise UsageError(f"--odapi-python {named}: {found}. Name a Python 3.9 to 3.11 for Linux.")
    return found


def find_python() -> Python:
    """The preferred one that fits: this very Python, on the PATH, of pyenv or of uv. Raises UsageError, naming what is
    there and why it does not fit.
    """
    reasons = []
    for candidate in dict.fromkeys(path for version in VERSIONS for path in _candidates(version)):
        found = _ask(candidate)
        if isinstance(found, Python):
            return found
        reasons.append(f"\n  {candidate}: {found}")
    raise UsageError(
        "The Object Detection API needs Python 3.9, 3.10 or 3.11 for an environment of its own, and none was found. "
        + _HOW
        + "".join(reasons)
    )


def _candidates(version: tuple[int, int]) -> Iterator[str]:
    name = f"{version[0]}.{version[1]}"
    if sys.version_info[:2] == version:
        yield sys.executable
    on_path = shutil.which(f"python{name}")
    if on_path:
        yield on_path
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    roots = (
        (Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", f"{name}.*"),
        (Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"), f"cpython-{name}.*"),
    )
    for root, pattern in roots:
        yield from (str(path) for path in sorted(root.glob(f"{pattern}/bin/python{name}"), reverse=True))


def _ask(candidate: str) -> Python | str:
    """What the interpreter says of itself, or why it does not fit, in words."""
    command = [candidate, "-I", "-c", _QUESTION]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_ANSWER_SECONDS
        )
    except OSError as error:
        return f"it does not start ({error.strerror})"
    except subprocess.TimeoutExpired:
        return f"it does not answer within {_ANSWER_SECONDS} seconds"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return f"it does not work ({lines[-1 if lines[0].startswith('Traceback') else 0].strip()})"
    try:
        (major, minor), system, machine, libc, pointer_bytes = json.loads(done.stdout)
    except ValueError:
        return "it is no Python"
    if (major, minor) not in VERSIONS:
        return f"it is Python {major}.{minor}"
    if system != "linux" or machine not in _MACHINES or libc != "glibc" or pointer_bytes != 8:
        return f"it is for {system} on {machine}, and TensorFlow 2.15 is locked for Linux with glibc, 64-bit"
    return Python(candidate, (major, minor))
