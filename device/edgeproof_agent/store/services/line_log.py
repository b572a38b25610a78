"""A log of lines that is bounded, survives a crash, and is read by offset.

It lies in segments named IDENTITY-OFFSET.jsonl, the offset that of their first byte in the log as a whole. The oldest
goes when there are too many. A line is in the log whole or not at all: what a crash leaves of one is cut off when the
log is opened, and nobody is given it before.
"""

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import NamedTuple, Optional

from edgeproof_agent.store.objects import make_folder, sync

_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{16})\.jsonl")
_TAIL_BYTES = 1 << 16


class Segment(NamedTuple):
    identity: str
    """Of the log: one that is begun anew has another."""
    offset: int
    path: Path

    def size_bytes(self) -> int:
        return self.path.stat().st_size


class Extent(NamedTuple):
    """What of a log is there: bytes `first` to `end`, counted from its very beginning."""

    identity: str
    first: int
    end: int


class Piece(NamedTuple):
    """Whole lines of a log. `offset` is behind the one asked for where what was there is gone."""

    identity: str
    offset: int
    data: bytes


def segments(folder: Path) -> list[Segment]:
    """In their order; of the log that was written last, should there be several."""
    names = sorted(path.name for path in folder.glob("*.jsonl")) if folder.is_dir() else []
    found = [
        Segment(match.group(1), int(match.group(2)), folder / name)
        for name in names
        for match in [_NAME.fullmatch(name)]
        if match
    ]
    if len({segment.identity for segment in found}) > 1:
        newest = max(found, key=lambda segment: segment.path.stat().st_mtime_ns)
        found = [segment for segment in found if segment.identity == newest.identity]
    return sorted(found, key=lambda segment: segment.offset)


def extent(folder: Path) -> Optional[Extent]:
    """None for a log without a line."""
    found = segments(folder)
    if not found:
        return None
    last = found[-1]
    return Extent(last.identity, found[0].offset, last.offset + _whole_bytes(last.path))


def read_lines(folder: Path, offset: int, max_bytes: int, identity: str = "") -> Optional[Piece]:
    """Lines from `offset` on, at most so many bytes of them; no bytes at the end, None without a log.

    With the `identity` of another log they are those from the first on.

    What is returned is on the disk: a power cut cannot make the log another one than whoever read it has.
    """
    for _ in range(3):  # the oldest segment may go between two looks
        with contextlib.suppress(FileNotFoundError):
            found = segments(folder)
            known = not found or identity in ("", found[0].identity)
            return _read_lines(found, offset if known else 0, max_bytes)
    return None


def _read_lines(found: list[Segment], offset: int, max_bytes: int) -> Optional[Piece]:
    if not found:
        return None
    start = max(offset, found[0].offset)
    segment = next((segment for segment in reversed(found) if segment.offset <= start), found[0])
    is_last = segment is found[-1]
    with segment.path.open("rb") as file:
        if is_last:
            os.fsync(file.fileno())
        file.seek(start - segment.offset)
        data = file.read(max_bytes)
    if not data and not is_last:  # the end of a segment is the beginning of the next
        following = found[found.index(segment) + 1]
        return _read_lines(found, following.offset, max_bytes)
    if is_last and len(data) < max_bytes:
        data = data[: data.rfind(b"\n") + 1]
    return Piece(segment.identity, start, data)


def _whole_bytes(path: Path) -> int:
    """Up to the end of the last whole line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(end - _TAIL_BYTES, 0)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


class LineLog:
    """The writing end, one at a time. A disk that is full or ails loses lines and nothing else."""

    def __init__(self, folder: Path, max_bytes: int, segment_bytes: Optional[int] = None) -> None:
        """`max_bytes` bounds what the log takes; it is kept in segments of `segment_bytes`, an eighth of that unless
        told."""
        self.lost = 0
        """Lines that could not be written."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes or max(max_bytes // 8, 1)
        self._descriptor: Optional[int] = None
        self._identity = ""
        self._offset = self._size = 0

    def append(self, line: bytes) -> bool:
        """Adds a line, which ends with the only newline in it. False when it could not be written."""
        try:
            self._write(line)
        except OSError:
            self.lost += 1
            return False
        return True

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        if self._size and self._size + len(line) > self._segment_bytes:
            self._begin(self._identity, self._offset + self._size)
            self._drop_oldest()
        try:
            written = os.write(self._descriptor, line)
            if written == len(line):
                self._size += written
                return
        except OSError:
            self._take_back()
            raise
        self._take_back()
        raise OSError("there is no room for a whole line")

    def _take_back(self) -> None:
        assert self._descriptor is not None
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        self._drop_oldest()

    def _open(self) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        make_folder(self._folder, 0o700)
        found = segments(self._folder)
        if not found:
            self._begin(secrets.token_hex(8), 0)
            return
        last = found[-1]
        whole = _whole_bytes(last.path)
        descriptor = os.open(last.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.ftruncate(descriptor, whole)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._identity, self._offset, self._size = descriptor, last.identity, last.offset, whole

    def _begin(self, identity: str, offset: int) -> None:
        path = self._folder / f"{identity}-{offset:016d}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        if self._descriptor is not None:
            os.fsync(self._descriptor)
        self.close()
        self._descriptor, self._identity, self._offset, self._size = descriptor, identity, offset, 0
        sync(self._folder)

    def _drop_oldest(self) -> None:
        """All but the one being written may go."""
        with contextlib.suppress(OSError):
            found = segments(self._folder)
            taken = sum(segment.size_bytes() for segment in found)
            for segment in found[:-1]:
                if taken + self._segment_bytes <= self._max_bytes:
                    return
                taken -= segment.size_bytes()
                segment.path.unlink()
