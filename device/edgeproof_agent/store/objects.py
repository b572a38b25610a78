"""The board's store under `~/.edgeproof`: content-addressed objects that appear whole or not at all.

agents/<digest>/  runtimes/<digest>/  bundles/<digest>/  media/<digest>/
apps/<name>/current, previous      symlinks to bundles, switched by rename
chunks/<digest>                    where a bundle's files may be cut, left by the host that sent it
signatures/<digest>                who vouches for a bundle; allowed_signers says who must
hosts/<name>                       which agents and runtimes a host needs
services/<name>/                   what keeps an app running: see `edgeproof_agent.store.services`
incoming/<kind>-<digest>/          partial uploads, resumed or swept
trash/                             what has lost its name and is being deleted
"""

import contextlib
import enum
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Optional

STORE_FOLDER = ".edgeproof"
POLICY_FILE = "allowed_signers"
SWEEP_AFTER_SECONDS = 86_400
APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_BLOCK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class StoreError(Exception):
    """The store cannot do what was asked.

    `kind` is a fixed word: request, disk, storage, checksum, damaged, busy, missing, app, signature, or a trial's:
    see `edgeproof_agent.store.trial.Trouble`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Kind(enum.Enum):
    AGENT = "agents"
    RUNTIME = "runtimes"
    BUNDLE = "bundles"
    MEDIA = "media"


class StoredFile(NamedTuple):
    """One file of an object: its name within it (with `/` for folders), size and sha-256."""

    name: str
    size_bytes: int
    sha256: str


def trouble_kind(error: OSError) -> str:
    """`disk` when there is no room, else `storage`: the remedies differ."""
    return "disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "storage"


def listing_digest(files: Sequence[StoredFile]) -> str:
    """The digest that names an object which has no manifest of its own: of its files' names and digests."""
    listing = sorted([file.name, file.sha256] for file in files)
    return hashlib.sha256(json.dumps(listing, separators=(",", ":")).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
            digest.update(block)
    return digest.hexdigest()


def checked_digest(text: str) -> str:
    """The text, if it is a digest. It may become part of a path."""
    if not _DIGEST.fullmatch(text):
        raise StoreError("request", f"{text!r} is not a sha-256 digest")
    return text


def sync(path: Path) -> None:
    """Writes a file, or the names in a folder, through to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Makes a folder whose name is on the disk when this returns."""
    if not path.is_dir():
        path.mkdir(mode, exist_ok=True)
        sync(path.parent)


def replace_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Writes a small file of the store as a whole, or not at all."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync(path.parent)


class Store:
    """Names and whole objects in one store folder. What changes the store needs `lock` first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: Optional[int] = None

    @property
    def is_locked(self) -> bool:
        """Whether this process holds the lock."""
        return self._lock is not None

    @property
    def place(self) -> Path:
        """A folder of the file system that the store is on, or will be on."""
        return self.root if self.root.is_dir() else self.root.parent

    def has_policy(self) -> bool:
        """Whether this board asks for signatures; what cannot be read asks for them, too."""
        return os.path.lexists(self.root / POLICY_FILE)

    def lock(self, wait_seconds: float) -> None:
        """Takes the store's lock until `unlock`; the kernel frees it however this process dies."""
        if self._lock is not None:
            return
        make_folder(self.root, 0o700)
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    os.close(descriptor)
                    raise StoreError("busy", "another host is changing this board's store") from None
                time.sleep(0.05)
        self._lock = descriptor
        for name in (*(kind.value for kind in Kind), "apps", "incoming", "trash"):
            make_folder(self.root / name)

    def unlock(self) -> None:
        """Lets others change the store again."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def require_lock(self) -> None:
        """Raises `StoreError` unless this process holds the lock."""
        if self._lock is None:
            raise StoreError("request", "the store is not locked for a change; send `begin` first")

    def path(self, kind: Kind, digest: str) -> Path:
        return self.root / kind.value / checked_digest(digest)

    def incoming(self, kind: Kind, digest: str) -> Path:
        return self.root / "incoming" / f"{kind.value}-{checked_digest(digest)}"

    def has(self, kind: Kind, digest: str) -> bool:
        return self.path(kind, digest).is_dir()

    def digests(self, kind: Kind) -> list[str]:
        folder = self.root / kind.value
        return (
            sorted(entry.name for entry in folder.iterdir() if _DIGEST.fullmatch(entry.name) and entry.is_dir())
            if folder.is_dir()
            else []
        )

    def publish(self, kind: Kind, digest: str) -> Path:
        """Renames a whole incoming object to its name. From then on it never changes.

        Its files must have been synced; the names in its folders are synced here, ahead of the object's own.
        """
        self.require_lock()
        source, target = self.incoming(kind, digest), self.path(kind, digest)
        if target.exists():
            self.discard(source)
            return target
        for folder in [entry for entry in source.rglob("*") if entry.is_dir() and not entry.is_symlink()] + [source]:
            sync(folder)
        os.rename(source, target)
        sync(target.parent)
        return target

    def discard(self, path: Path) -> None:
        """Takes a folder's name away at once, then deletes it; `sweep` finishes what a crash leaves."""
        self.require_lock()
        doomed = self.root / "trash" / f"{path.parent.name}-{path.name}"
        shutil.rmtree(doomed, ignore_errors=True)
        os.rename(path, doomed)
        # An object must not come back half deleted after a power cut.
        sync(path.parent)
        shutil.rmtree(doomed, ignore_errors=True)

    def sweep(self, keep: Optional[Path] = None) -> None:
        """Removes what crashes left, and partial uploads that nobody has continued for a day."""
        self.require_lock()
        for entry in (self.root / "trash").iterdir():
            shutil.rmtree(entry, ignore_errors=True)
        for pattern in (
            "apps/*/.*.new",
            "chunks/.*.new",
            "hosts/.*.new",
            "services/*/.*.new",
            "signatures/.*.new",
        ):
            for leftover in self.root.glob(pattern):
                leftover.unlink()
        oldest = time.time() - SWEEP_AFTER_SECONDS
        for entry in (self.root / "incoming").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if entry != keep and entry.stat().st_mtime < oldest:
                    self.discard(entry)
