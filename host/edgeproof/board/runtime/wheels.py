"""Fetches a runtime's wheels on the host, for the board's platform, so that the board needs no internet."""

import hashlib
import shutil
import tempfile
import threading
from pathlib import Path

from edgeproof.board.facts import BoardFacts
from edgeproof.board.runtime.releases import RuntimeRelease
from edgeproof.errors import ProvisionError
from edgeproof.fetch.pip import PipDownloadError, PlatformTarget, pip_download
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.wording.progress import Progress, ProgressListener, ProgressUnit, silent

_OLDEST_MANYLINUX = 17
_FETCHING = threading.Lock()


def fetch_wheels(release: RuntimeRelease, facts: BoardFacts, progress: ProgressListener = silent) -> list[Path]:
    """The wheels of a release for a board, from the cache or by `pip download`. Raises `ProvisionError`.

    pip checks each against the lock's hashes, and the board does so again before it installs them.
    """
    glibc = facts.glibc or (2, _OLDEST_MANYLINUX)
    tags = platform_tags(facts.arch, glibc)
    key = hashlib.sha256("\n".join((release.digest(facts), *tags)).encode()).hexdigest()[:24]
    folder = cache_folder() / "wheels" / f"{release.name}-{release.version}-{key}"
    with _FETCHING:  # many boards want the same
        if not folder.is_dir():
            _download(release, facts, tags, folder, progress)
    return sorted(folder.glob("*.whl"))


def platform_tags(arch: str, glibc: tuple[int, int]) -> list[str]:
    """The platform tags (PEP 600 and its older names) that a board with this glibc takes, newest first."""
    tags = [f"manylinux_{glibc[0]}_{minor}_{arch}" for minor in range(glibc[1], _OLDEST_MANYLINUX - 1, -1)]
    return [*tags, f"manylinux2014_{arch}", f"linux_{arch}"]


def _download(
    release: RuntimeRelease, facts: BoardFacts, tags: list[str], folder: Path, progress: ProgressListener
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder.parent))
    try:
        for event in pip_download(release.lock, temporary, PlatformTarget(facts.python[:2], tags)):
            text = f"fetching {event.requirement} for {facts.arch}"
            progress(Progress(text, done=event.done_bytes, total=event.total_bytes, unit=ProgressUnit.BYTES))
        try:
            temporary.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    except PipDownloadError as error:
        raise ProvisionError(
            f"cannot fetch {release.name} {release.version} for {facts.arch}, Python {facts.python_version}: {error}\n"
            "This machine (not the board) needs access to a package index; pip's own settings say to which."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
