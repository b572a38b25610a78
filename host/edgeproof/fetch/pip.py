"""Downloads pinned wheels with pip, for this machine or another; nothing is installed or imported."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import EdgeproofError

_RAW_PROGRESS_SINCE = (24, 1)
_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


class PipDownloadError(EdgeproofError):
    """pip could not fetch the wheels; the message is its own words."""

    def __init__(self, message: str, hash_mismatch: bool) -> None:
        super().__init__(message)
        self.hash_mismatch = hash_mismatch


@dataclass(frozen=True)
class PlatformTarget:
    """The machine that the wheels are for, in pip's terms."""

    python: tuple[int, int]
    platforms: Sequence[str]
    """Platform tags, e.g. `manylinux_2_34_aarch64`."""

    def options(self) -> list[str]:
        minor = f"{self.python[0]}{self.python[1]}"
        options = ["--implementation", "cp", "--python-version", f"{self.python[0]}.{self.python[1]}"]
        options += [word for abi in (f"cp{minor}", "abi3", "none") for word in ("--abi", abi)]
        return options + [word for platform in self.platforms for word in ("--platform", platform)]


@dataclass(frozen=True)
class PipProgress:
    """How far pip is with one requirement."""

    requirement: str
    done_bytes: int
    total_bytes: int | None
    """None until the download begins; a wheel from pip's own cache has none."""
    installing: bool = False
    """Whether all are there, and pip installs them; `requirement` is the last one then."""


def pip_download(requirements: str, folder: Path, target: PlatformTarget) -> Iterator[PipProgress]:
    """Fetches the wheels of `requirements` (lines with hashes) into `folder`, yielding progress as it comes.

    Raises `PipDownloadError`.
    """
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as scratch:
        listed = Path(scratch) / "requirements.txt"
        listed.write_text(requirements, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--dest", str(folder)]
        command += ["--progress-bar", "raw" if _pip_version() >= _RAW_PROGRESS_SINCE else "off"]
        yield from run_pip([*command, "--requirement", str(listed), *target.options()])


def run_pip(command: Sequence[str]) -> Iterator[PipProgress]:
    """Runs a `pip download` or `pip install` of requirements with hashes, none of which may be missing from the list.

    Raises `PipDownloadError`.
    """
    options = ["--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        yield from _run([*command, *options, "--retries", "2", "--timeout", "20"], errors.fileno())


def _run(command: Sequence[str], errors: int) -> Iterator[PipProgress]:
    requirement = ""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as pip:
        try:
            assert pip.stdout is not None
            for line in pip.stdout:
                if match := _RAW_PROGRESS.match(line):
                    yield PipProgress(requirement, int(match[1]), int(match[2]))
                elif line.startswith("Collecting "):
                    requirement = line.removeprefix("Collecting ").split()[0]
                    yield PipProgress(requirement, 0, None)
                elif line.startswith("Installing collected packages"):
                    yield PipProgress(requirement, 0, None, installing=True)
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        raise _explained(os.pread(errors, 1 << 20, 0).decode("utf-8", errors="replace"))


def _explained(errors: str) -> PipDownloadError:
    lines = [line.removeprefix("ERROR: ").strip() for line in errors.splitlines() if line.startswith("ERROR:")]
    reason = "\n".join(lines[-3:]) if lines else (errors.strip().splitlines() or ["pip gave no reason"])[-1]
    return PipDownloadError(reason, hash_mismatch="do not match the hashes" in errors.lower())


def _pip_version() -> tuple[int, ...]:
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        raise EdgeproofError(
            "pip is not installed in this Python, and fetching needs it. Install it with: python -m ensurepip"
        ) from None
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
