"""The environment that the Object Detection API runs in: made on first use, whole or not at all, and kept."""

import contextlib
import fcntl
import hashlib
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from edgeproof.errors import OdapiEnvironmentError
from edgeproof.local_files.atomic_file import why_unwritten
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.odapi.installation import API, LOCKS, environment_python, install
from edgeproof.odapi.pythons import VERSIONS, Python, find_python, require_python
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent

Installer = Callable[[Python, Path, ProgressListener], None]

# Measured, x86-64; pip's own cache and what it unpacks on the way come on top.
_SIZE_GB = 1.5
_NEEDED_GB = 2.5
_PARTIAL = ".partial-"


def api_release() -> str:
    """What the environment holds, the same on every machine: the API's version and the digest of the locks."""
    version = re.search(rb"^%s==(\S+)" % API.encode(), LOCKS[-1].read_bytes(), re.MULTILINE)
    assert version is not None, "the lock names the API"
    return f"{version[1].decode()}, locked as {_locks_digest()}"


def ensure_environment(
    named: str | None = None, progress: ProgressListener = silent, installer: Installer = install
) -> Path:
    """The interpreter of the environment, which is made when it is not there: with the Python that is `named`, or one
    that is found.

    Raises UsageError when there is no Python for it, OdapiEnvironmentError when it cannot be made.
    """
    root = cache_folder() / "odapi"
    python = None if named is None else require_python(named)
    for version in VERSIONS if python is None else (python.version,):
        ready = environment_python(_folder(root, version))
        if ready.exists():
            return ready
    python = python or find_python()
    folder = _folder(root, python.version)
    with _locked(root, progress):
        # Another export may have made it meanwhile.
        if not environment_python(folder).exists():
            _make(python, folder, progress, installer)
    return environment_python(folder)


def _locks_digest() -> str:
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()[:16]


def _folder(root: Path, version: tuple[int, int]) -> Path:
    return root / f"{_locks_digest()}-{platform.machine()}-python{version[0]}.{version[1]}"


@contextlib.contextmanager
def _locked(root: Path, progress: ProgressListener) -> Iterator[None]:
    """Two exports never make the environment at once. The system frees the lock of a process that dies."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / "lock").open("w")
    except OSError as error:
        raise OdapiEnvironmentError(
            f"{root}: {why_unwritten(error, 'set EDGEPROOF_CACHE to another folder')}"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(Progress("waiting for another export, which sets up the Object Detection API", ProgressKind.NOTE))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(python: Python, folder: Path, progress: ProgressListener, installer: Installer) -> None:
    root = folder.parent
    # Of a set-up that was killed, and of an environment whose Python was uninstalled.
    for dead in (folder, *root.glob(f"{_PARTIAL}*")):
        shutil.rmtree(dead, ignore_errors=True)
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < _NEEDED_GB:
        raise OdapiEnvironmentError(
            f"{root}: {free_gb:.1f} GB are free, and setting up the Object Detection API takes {_NEEDED_GB} GB. "
            "Make room, or set EDGEPROOF_CACHE to a folder on a larger disk."
        )
    version = f"Python {python.version[0]}.{python.version[1]}"
    words = f"setting up the Object Detection API for {version}, once: {_SIZE_GB} GB in {root}"
    progress(Progress(words, ProgressKind.NOTE))
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=root))
    try:
        installer(python, partial / "environment", progress)
        (partial / "environment").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
