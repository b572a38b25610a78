"""Builds a runtime on the board: a virtual environment, filled from wheels that the host sent."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

WHEELS_FOLDER = "wheels"
LOCK_FILE = "requirements.lock"
_TAIL_BYTES = 3000


class RuntimeBuildError(Exception):
    """The environment could not be made; the message holds the last words of the tool that failed."""


def build_environment(folder: Path, beat: Callable[[], None], timeout_seconds: float) -> None:
    """Makes a virtual environment in `folder`, which holds `wheels/` and `requirements.lock`, and drops the wheels.

    pip runs from its own wheel, so the board needs neither pip nor ensurepip, and checks every wheel against the
    lock's hashes. `beat` is called about once a second while it works.
    """
    wheels = folder / WHEELS_FOLDER
    pip = next(iter(sorted(wheels.glob("pip-*.whl"))), None)
    if pip is None:
        raise RuntimeBuildError("no wheel of pip came with the runtime's wheels")
    _run([sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", str(folder / "venv")], beat, timeout_seconds)
    install = [str(folder / "venv/bin/python"), f"{pip}/pip", "install", "--isolated", "--no-input", "--no-index"]
    install += ["--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--find-links", str(wheels)]
    install += ["--require-hashes", "--requirement", str(folder / LOCK_FILE)]
    _run(install, beat, timeout_seconds)
    for wheel in wheels.iterdir():
        wheel.unlink()
    wheels.rmdir()


def _run(command: list[str], beat: Callable[[], None], timeout_seconds: float) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        waited = 0
        while True:
            try:
                status = process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                waited += 1
                if waited >= timeout_seconds:
                    process.kill()
                    process.wait()
                    raise RuntimeBuildError(f"{_name(command)} took longer than {timeout_seconds:.0f} s") from None
                beat()
        if status != 0:
            output.seek(max(0, output.seek(0, os.SEEK_END) - _TAIL_BYTES))
            words = output.read().decode("utf-8", errors="replace").strip()
            raise RuntimeBuildError(f"{_name(command)} ended with status {status}: {words}")


def _name(command: list[str]) -> str:
    return " ".join(Path(word).name for word in command[:4] if word != "-I")
