"""Lines that are brought home piece by piece, none of them twice.

A file is named IDENTITY-OFFSET.jsonl by where in the far log it begins, so its name and its size say how far the log
has been pulled. No other note is kept that could contradict them.
"""

import fcntl
import os
import re
from pathlib import Path
from types import TracebackType

from edgeproof.errors import UsageError
from edgeproof.local_files.atomic_file import why_unwritten

_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{16})\.jsonl")


class PulledLines:
    """A folder of such files, for one writer at a time. Use it as a context."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.lines = 0
        self.size_bytes = 0
        """What has come."""
        self.last: Path | None = None
        """The file that the last of it went to."""
        self._folder = folder
        self._lock = lock
        self.identity, self._start, self._path = self._newest()
        """Of the far log that was pulled last; empty where none was."""

    @classmethod
    def open(cls, folder: Path) -> "PulledLines":
        """Raises `UsageError` while another pull goes into the folder, or when it cannot be written to."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / ".pull.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"{folder}: {why_unwritten(error, 'name another with --out')}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise UsageError(f"another pull goes into {folder}: wait for its end, or name another folder.") from None
        return cls(folder, lock)

    @property
    def next_offset(self) -> int:
        """Of the far log, the first byte that is not here."""
        return 0 if self._path is None else self._start + self._path.stat().st_size

    def add(self, identity: str, offset: int, data: bytes) -> int:
        """Writes lines down as they are, to the disk; returns how many bytes ahead of them are missing.

        Lines of a log with another identity begin a file, as those do behind a gap.
        """
        gap = 0
        expected = self.next_offset if identity == self.identity else 0
        if self._path is None or identity != self.identity or offset != expected:
            gap = offset - expected
            self.identity, self._start = identity, offset
            self._path = self._folder / f"{identity}-{offset:016d}.jsonl"
        with self._path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.last = self._path
        self.lines += data.count(b"\n")
        self.size_bytes += len(data)
        return gap

    def _newest(self) -> tuple[str, int, Path | None]:
        found = [
            (path.stat().st_mtime_ns, int(match.group(2)), match.group(1), path)
            for path in self._folder.iterdir()
            for match in [_NAME.fullmatch(path.name)]
            if match
        ]
        if not found:
            return "", 0, None
        _, start, identity, path = max(found)
        return identity, start, path

    def __enter__(self) -> "PulledLines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)
