"""Fetches a runtime's wheels on the host, for the board's platform, so that the board needs no internet."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import platformdirs

from edgeproof.board.facts import BoardFacts
from edgeproof.board.runtimes import RuntimeRelease
from edgeproof.errors import ProvisionError

_OLDEST_MANYLINUX = 17
_TIMEOUT_SECONDS = 1800.0
_TAIL_LINES = 6


def cache_folder() -> Path:
    """Where downloads are kept between calls; `EDGEPROOF_CACHE` names another place."""
    return Path(os.environ.get("EDGEPROOF_CACHE") or platformdirs.user_cache_dir("edgeproof"))


def fetch_wheels(release: RuntimeRelease, facts: BoardFacts) -> list[Path]:
    """The wheels of a release for a board, from the cache or by `pip download`. Raises `ProvisionError`.

    pip checks each against the lock's hashes, and the board does so again before it installs them.
    """
    glibc = facts.glibc or (2, _OLDEST_MANYLINUX)
    tags = platform_tags(facts.arch, glibc)
    key = hashlib.sha256("\n".join((release.digest(facts), *tags)).encode()).hexdigest()[:24]
    folder = cache_folder() / "wheels" / f"{release.name}-{release.version}-{key}"
    if not folder.is_dir():
        _download(release, facts, tags, folder)
    return sorted(folder.glob("*.whl"))


def platform_tags(arch: str, glibc: tuple[int, int]) -> list[str]:
    """The platform tags (PEP 600 and its older names) that a board with this glibc takes, newest first."""
    tags = [f"manylinux_{glibc[0]}_{minor}_{arch}" for minor in range(glibc[1], _OLDEST_MANYLINUX - 1, -1)]
    return [*tags, f"manylinux2014_{arch}", f"linux_{arch}"]


def unpacked_bytes(wheels: list[Path]) -> int:
    """What the wheels take on the board once they are installed, with what Python compiles from them."""
    total = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            total += sum(entry.file_size * (2 if entry.filename.endswith(".py") else 1) for entry in archive.infolist())
    return total


def _download(release: RuntimeRelease, facts: BoardFacts, tags: list[str], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder.parent))
    try:
        lock = temporary / "requirements.lock"
        lock.write_text(release.lock, encoding="utf-8")
        minor = f"{facts.python[0]}{facts.python[1]}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
        command += ["--only-binary=:all:", "--no-deps", "--require-hashes", "--requirement", str(lock)]
        command += ["--dest", str(temporary), "--implementation", "cp"]
        command += ["--python-version", f"{facts.python[0]}.{facts.python[1]}"]
        command += [word for abi in (f"cp{minor}", "abi3", "none") for word in ("--abi", abi)]
        command += [word for tag in tags for word in ("--platform", tag)]
        try:
            outcome = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ProvisionError(f"fetching {release.name} took longer than {_TIMEOUT_SECONDS:.0f} s") from None
        if outcome.returncode != 0:
            words = "\n".join(outcome.stderr.strip().splitlines()[-_TAIL_LINES:])
            raise ProvisionError(
                f"cannot fetch {release.name} {release.version} for {facts.arch} and Python {facts.python_version}:\n"
                f"{words}\n"
                "This machine (not the board) needs access to a package index; pip's own settings say to which."
            )
        lock.unlink()
        try:
            temporary.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
