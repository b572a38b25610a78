"""`python -m tests.halves`: all tests, on two cores. Those that share boards run one by one beside all others."""

import subprocess
import sys
import tempfile
from typing import IO

from tests.support.places import ROOT

_HALVES = (
    ("arm", "contract", "models", "browser", "fuzz", "odapi", "unit"),  # the first three share boards: one by one
    ("ssh", "faults", "fleet"),
)
_LONG = {"families": "presets against the libraries themselves, a gigabyte of them"}
"""What `make soak` runs, and what that is; what these found is held by unit tests, too."""


def main() -> int:
    """Exit status 1 when either half failed. What the second half said is shown when the first is through."""
    listed = {path.name for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py"))}
    assert listed == {*_LONG, *(name for half in _HALVES for name in half)}, "a folder of tests is in neither half"
    first, second = _HALVES
    with tempfile.TemporaryFile() as said:
        beside = _start(second, said)
        try:
            failed = _start(first, None).wait() != 0
            failed |= beside.wait() != 0
        except BaseException:
            beside.terminate()
            beside.wait()
            raise
        for name, what in _LONG.items():
            sys.stdout.write(f"not run here: tests/{name}, {what}: make soak\n")
        said.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(said.read())
    return int(failed)


def _start(half: tuple[str, ...], output: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pytest", "-q", "--durations=12", *(f"tests/{name}" for name in half)]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main())
