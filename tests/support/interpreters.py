"""Finds the Pythons of this machine, for tests that run the agent on another than the one of the tests."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@functools.cache
def find_python(version: str) -> Path | None:
    """An interpreter of `version` (`3.9`) that really runs: the one of the tests, of pyenv, or on the PATH."""
    for candidate in _candidates(version):
        check = "import sys, zlib, ssl; print('%d.%d' % sys.version_info[:2])"
        try:
            answer = subprocess.run([candidate, "-c", check], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        if answer.stdout.strip() == version:
            return Path(candidate)
    return None


def _candidates(version: str) -> Iterator[str]:
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        yield getattr(sys, "_base_executable", sys.executable)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    with contextlib.suppress(PermissionError):  # somebody else's
        yield from (str(path / "bin" / "python") for path in sorted(root.glob(f"versions/{version}.*"), reverse=True))
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
