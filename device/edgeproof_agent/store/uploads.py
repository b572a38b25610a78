"""An object on its way into the store: its files grow at their ends, from the host's bytes and from bytes of bundles
that the board has, and are hashed as they grow."""

import hashlib
import os
import re
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from edgeproof_agent.store.objects import Kind, Store, StoredFile, StoreError, file_sha256, make_folder, trouble_kind

MAX_FILES = 512
DISK_RESERVE_BYTES = 16 << 20
_MIB = 1 << 20
"""What a push leaves free: a disk that is full to the last byte stops a board in many ways."""

_BLOCK_BYTES = 1 << 18
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!-]{0,199}")


class KnownRange(NamedTuple):
    """Bytes `start` to `end` of a new file, which the board has in another one."""

    start: int
    end: int
    source: Path
    source_offset: int


class Upload:
    """One announced object. Raises `StoreError`, also for everything that a disk can do."""

    def __init__(self, store: Store, kind: Kind, digest: str, files: Sequence[StoredFile]) -> None:
        names = {checked_name(file.name) for file in files}
        if not files or len(names) != len(files):
            raise StoreError("request", "an object needs files, each with a name of its own")
        self._store = store
        self.kind, self.digest, self.files = kind, digest, files
        self.folder = store.incoming(kind, digest)
        self._growing: dict[str, _GrowingFile] = {}

    def begin(self, known: Mapping[str, Sequence[KnownRange]], extra_bytes: int = 0) -> dict[str, int]:
        """Makes room. Returns the bytes of each file that are there: from an earlier try, and known ones after them.

        `extra_bytes` is what the object needs beside its files (a runtime unpacks its wheels). A disk that is too
        full is an error before anything changes.
        """
        self._store.require_lock()
        self._store.sweep(keep=self.folder)
        there = {file.name: _resumable(self.folder / file.name, file) for file in self.files}
        needed = sum(file.size_bytes - there[file.name] for file in self.files) + extra_bytes + DISK_RESERVE_BYTES
        free = shutil.disk_usage(self._store.root).free
        if needed > free:
            raise StoreError(
                "disk",
                f"{-(-needed // _MIB)} MiB are needed under {self._store.root}, of which "
                f"{DISK_RESERVE_BYTES // _MIB} stay free, and {free // _MIB} MiB are free",
            )
        make_folder(self.folder)
        for file in self.files:
            path = self.folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._growing[file.name] = _GrowingFile(path, file, known.get(file.name, ()))
        os.utime(self.folder)  # from now on it has another day
        return {name: growing.copy_known() for name, growing in self._growing.items()}

    def append(self, name: str, offset: int, data: bytes) -> int:
        """Adds bytes at the end of a file, and what is known after them; returns its new size."""
        self._store.require_lock()
        growing = self._growing.get(checked_name(name))
        if growing is None:
            raise StoreError("request", f"{name} was not announced")
        growing.append(offset, data)
        return growing.copy_known()

    def verify(self) -> None:
        """Compares every file with its sha-256 and writes it through to the disk."""
        self._store.require_lock()
        for file in self.files:
            growing = self._growing.get(file.name)
            if growing is None or not growing.is_whole():
                (self.folder / file.name).unlink(missing_ok=True)
                raise StoreError("checksum", f"{file.name} did not arrive as it was sent")
        present = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir()}
        for stray in present - {file.name for file in self.files}:
            (self.folder / stray).unlink()

    def close(self) -> None:
        for growing in self._growing.values():
            growing.close()


class _GrowingFile:
    def __init__(self, path: Path, file: StoredFile, known: Sequence[KnownRange]) -> None:
        self._path, self._file = path, file
        # A virtual environment that is being built links to files outside the store.
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._size = os.fstat(self._descriptor).st_size
        # Bytes of an earlier try are hashed at the end.
        self._digest = None if self._size else hashlib.sha256()
        self._known = deque(item for item in known if item.end > self._size)

    def append(self, offset: int, data: bytes) -> None:
        if offset != self._size:
            raise StoreError("request", f"{self._file.name} has {self._size} bytes, cannot continue at {offset}")
        if offset + len(data) > self._file.size_bytes:
            raise StoreError("request", f"{self._file.name} was announced with {self._file.size_bytes} bytes")
        self._write(data)

    def copy_known(self) -> int:
        """Continues the file for as long as the board knows how; returns its size."""
        while self._known and self._known[0].start <= self._size:
            item = self._known.popleft()
            skipped = self._size - item.start  # an earlier try may have ended in the middle
            left = item.end - self._size
            with item.source.open("rb") as source:
                source.seek(item.source_offset + skipped)
                while left > 0:
                    data = source.read(min(left, _BLOCK_BYTES))
                    if not data:
                        break  # the source is shorter than it was; the host is told where to go on
                    self._write(data)
                    left -= len(data)
        return self._size

    def is_whole(self) -> bool:
        """Whether the file is what was announced; it is on the disk then."""
        if self._size != self._file.size_bytes:
            return False
        actual = file_sha256(self._path) if self._digest is None else self._digest.hexdigest()
        if actual != self._file.sha256:
            return False
        os.fsync(self._descriptor)
        return True

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            # What was written in part is not part of the hash.
            self._digest = None
            self._size = os.fstat(self._descriptor).st_size
            raise StoreError(trouble_kind(error), f"cannot write {self._path}: {error.strerror}") from error
        self._size += len(data)
        if self._digest is not None:
            self._digest.update(data)


def checked_name(name: str) -> str:
    """The name, if a file of an object may have it: relative, of plain characters, at most three folders deep."""
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
