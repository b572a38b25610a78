"""The board's store under `~/.edgeproof`: content-addressed objects that appear whole or not at all.

agents/<digest>/  runtimes/<digest>/  bundles/<digest>/  media/<digest>/
apps/<name>/current, previous      symlinks to bundles, switched by rename
incoming/<kind>-<digest>/          partial uploads, resumed or swept
"""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

STORE_FOLDER = ".edgeproof"
MAX_FILES = 4096
SWEEP_AFTER_SECONDS = 86_400
DISK_RESERVE_BYTES = 16 << 20
"""What a push leaves free: a disk that is full to the last byte stops a board in many ways."""

APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_BLOCK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!-]{0,199}")


class StoreError(Exception):
    """The store cannot do what was asked. `kind` is a fixed word: request, disk, storage, checksum, busy, missing."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Kind(enum.Enum):
    AGENT = "agents"
    RUNTIME = "runtimes"
    BUNDLE = "bundles"
    MEDIA = "media"


@dataclass(frozen=True)
class StoredFile:
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


class Store:
    """Operations on one store folder. What changes the store needs `lock` first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: Optional[int] = None

    def lock(self, wait_seconds: float) -> None:
        """Takes the store's lock until this process ends; the kernel frees it however the process dies."""
        if self._lock is not None:
            return
        self.root.mkdir(mode=0o700, exist_ok=True)
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
        for kind in Kind:
            (self.root / kind.value).mkdir(exist_ok=True)
        (self.root / "apps").mkdir(exist_ok=True)
        (self.root / "incoming").mkdir(exist_ok=True)

    def path(self, kind: Kind, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise StoreError("request", f"{digest!r} is not a sha-256 digest")
        return self.root / kind.value / digest

    def incoming(self, kind: Kind, digest: str) -> Path:
        return self.root / "incoming" / f"{kind.value}-{self.path(kind, digest).name}"

    def has(self, kind: Kind, digest: str) -> bool:
        return self.path(kind, digest).is_dir()

    def digests(self, kind: Kind) -> list[str]:
        folder = self.root / kind.value
        return (
            sorted(entry.name for entry in folder.iterdir() if _DIGEST.fullmatch(entry.name)) if folder.is_dir() else []
        )

    def begin(self, kind: Kind, digest: str, files: Sequence[StoredFile], extra_bytes: int = 0) -> dict[str, int]:
        """Makes room for an object. Returns the bytes of each file that are there already, from an earlier try.

        `extra_bytes` is what the object needs beside its files (a runtime unpacks its wheels). A disk that is too
        full is an error before anything changes.
        """
        self.require_lock()
        _check_names(files)
        self._sweep(keep=self.incoming(kind, digest))
        folder = self.incoming(kind, digest)
        offsets = {file.name: _resumable(folder / file.name, file) for file in files}
        needed = sum(file.size_bytes - offsets[file.name] for file in files) + extra_bytes
        free = shutil.disk_usage(self.root).free
        if needed + DISK_RESERVE_BYTES > free:
            raise StoreError("disk", f"{_mib(needed)} MiB are needed under {self.root} and {_mib(free)} MiB are free")
        for file in files:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.name).touch()
        os.utime(folder)  # from now on it has another day
        return offsets

    def append(self, kind: Kind, digest: str, name: str, offset: int, data: bytes) -> int:
        """Adds bytes at the end of an incoming file; returns its new size."""
        self.require_lock()
        path = self.incoming(kind, digest) / _checked_name(name)
        try:
            # A virtual environment that is being built links to files outside the store.
            with open(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC), "r+b") as file:
                size = file.seek(0, os.SEEK_END)
                if size != offset:
                    raise StoreError("request", f"{name} has {size} bytes, cannot continue at {offset}")
                file.write(data)
        except FileNotFoundError:
            raise StoreError("request", f"{name} was not announced") from None
        except OSError as error:
            raise StoreError(trouble_kind(error), f"cannot write {path}: {error.strerror}") from error
        return offset + len(data)

    def verify(self, kind: Kind, digest: str, files: Sequence[StoredFile]) -> None:
        """Compares every incoming file with its sha-256 and writes it through to the disk."""
        self.require_lock()
        folder = self.incoming(kind, digest)
        for file in files:
            path = folder / _checked_name(file.name)
            if not path.is_file() or file_sha256(path) != file.sha256:
                path.unlink(missing_ok=True)
                raise StoreError("checksum", f"{file.name} did not arrive as it was sent")
            _sync(path)
        present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        for stray in present - {file.name for file in files}:
            (folder / stray).unlink()

    def publish(self, kind: Kind, digest: str) -> Path:
        """Renames a whole incoming object to its name. From then on it never changes."""
        self.require_lock()
        source, target = self.incoming(kind, digest), self.path(kind, digest)
        if target.exists():
            shutil.rmtree(source)
            return target
        for folder in [entry for entry in source.rglob("*") if entry.is_dir() and not entry.is_symlink()] + [source]:
            _sync(folder)
        os.rename(source, target)
        _sync(target.parent)
        return target

    def switch(self, app: str, digest: str) -> Optional[str]:
        """Points `apps/<app>/current` at a bundle; returns the digest that it pointed at before."""
        self.require_lock()
        folder = self._app(app)
        if not self.has(Kind.BUNDLE, digest):
            raise StoreError("missing", f"bundle {digest} is not on this board")
        folder.mkdir(exist_ok=True)
        before = self.current(app)
        if before == digest:
            return before
        if before is not None:
            _replace_link(folder / "previous", before)
        _replace_link(folder / "current", digest)
        _sync(folder)
        return before

    def current(self, app: str, link: str = "current") -> Optional[str]:
        """The digest that an app's link points at; None when there is none, or its bundle is gone."""
        try:
            digest = os.readlink(self._app(app) / link).rpartition("/")[2]
        except OSError:
            return None
        return digest if _DIGEST.fullmatch(digest) and self.has(Kind.BUNDLE, digest) else None

    def apps(self) -> list[str]:
        folder = self.root / "apps"
        if not folder.is_dir():
            return []
        return sorted(entry.name for entry in folder.iterdir() if APP_NAME.fullmatch(entry.name) and entry.is_dir())

    def require_lock(self) -> None:
        """Raises `StoreError` unless this process holds the lock."""
        if self._lock is None:
            raise StoreError("request", "the store is not locked for a change; send `begin` first")

    def _app(self, app: str) -> Path:
        if not APP_NAME.fullmatch(app):
            raise StoreError("request", f"{app!r} is not a name for an app: letters, digits, dot, dash, underscore")
        return self.root / "apps" / app

    def _sweep(self, keep: Path) -> None:
        """Removes partial uploads that nobody has continued for a day."""
        oldest = time.time() - SWEEP_AFTER_SECONDS
        for entry in (self.root / "incoming").iterdir():
            if entry != keep and entry.stat().st_mtime < oldest:
                shutil.rmtree(entry, ignore_errors=True)


def _check_names(files: Sequence[StoredFile]) -> None:
    names = {_checked_name(file.name) for file in files}
    if not files or len(names) != len(files):
        raise StoreError("request", "an object needs files, each with a name of its own")


def _checked_name(name: str) -> str:
    segments = name.split("/")
    if len(segments) > 4 or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise StoreError("request", f"{name!r} is not a file name that an object may hold")
    return name


def _resumable(path: Path, file: StoredFile) -> int:
    """Bytes of an earlier try that can stay. A file that is longer than it should be, or a link, starts anew."""
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        return 0
    if path.is_symlink() or size > file.size_bytes:
        path.unlink()
        return 0
    return size


def _replace_link(link: Path, digest: str) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    os.symlink(f"../../{Kind.BUNDLE.value}/{digest}", temporary)
    os.replace(temporary, link)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.0f}"
