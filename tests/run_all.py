"""`python -m tests.run_all`: all tests, on two cores, and what is left to `make soak`."""

import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tests.support.places import ROOT

TESTS = ROOT / "tests"
SOAK = {
    "families": "presets against the libraries themselves, a gigabyte of them",
    "readers": "exported files in MediaPipe, the Task Library and OpenCV, each in an environment of its own",
    "pytorch": "what torchvision's detectors become against PyTorch, with a training, seven gigabytes",
    "odapi": "exports against the Object Detection API's own, two gigabytes of it",
}
"""What `make soak` runs, and what that is; what these found is held by unit tests, too."""
THOROUGH = "every point of the fault injection, the third emulated board, long simulations"
"""What `--thorough` adds to the tests that run here."""
_WITH_TENSORFLOW = ("convert", "odapi", "ssd", "tflite")


def jobs() -> list[tuple[str, ...]]:
    """Folders of tests that go together, those that take longest first. No two of them share a board."""
    host = sorted(path.name for path in (TESTS / "unit/host").iterdir() if path.is_dir())
    return [
        ("arm", "contract", "models"),  # these share boards and exports: one by one
        ("ssh",),
        ("faults",),
        tuple(f"unit/host/{name}" for name in host if name in _WITH_TENSORFLOW),
        tuple(f"unit/host/{name}" for name in host if name not in _WITH_TENSORFLOW),
        ("unit", *(f"--ignore=tests/unit/host/{name}" for name in host)),
        ("power",),
        ("fleet",),
        ("browser", "docs", "fuzz"),
    ]


def main() -> int:
    """Exit status 1 when anything failed. What a job printed is shown when it is through."""
    waiting = deque(jobs())
    listed = {word.split("/")[0] for job in waiting for word in job if not word.startswith("--")}
    assert listed | set(SOAK) == _folders(), "a folder of tests is in no job"
    failed: list[tuple[str, ...]] = []
    printing = threading.Lock()

    def work() -> None:
        while True:
            with printing:
                if not waiting:
                    return
                job = waiting.popleft()
                sys.stdout.write(f"running tests of {_title(job)}\n")
                sys.stdout.flush()
            with tempfile.TemporaryFile() as said:
                status = _run(job, said.fileno())
                said.seek(0)
                with printing:
                    sys.stdout.write(f"tests of {_title(job)}:\n")
                    sys.stdout.flush()
                    sys.stdout.buffer.write(said.read())
                    sys.stdout.flush()
                    if status:
                        failed.append(job)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for name, what in SOAK.items():
        sys.stdout.write(f"not run here: tests/{name}, {what}: make soak\n")
    sys.stdout.write(f"not run here: {THOROUGH}: make soak\n")
    for job in failed:
        sys.stdout.write(f"FAILED: {_title(job)}\n")
    return int(bool(failed))


def _folders() -> set[str]:
    return {path.name for path in TESTS.iterdir() if any(path.rglob("test_*.py"))}


def _title(job: Sequence[str]) -> str:
    shown = [word for word in job if not word.startswith("--")]
    return shown[0] if len(shown) == 1 else f"{shown[0]} to {shown[-1]}"


def _run(job: Sequence[str], output: int) -> int:
    words = [word if word.startswith("--") else str(Path("tests") / word) for word in job]
    command = [sys.executable, "-m", "pytest", "-q", "--durations=12", *words]
    return subprocess.run(command, cwd=ROOT, stdout=output, stderr=output).returncode


if __name__ == "__main__":
    sys.exit(main())
