"""One measurement at a time on a board: two would disturb each other, and neither could know."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from edgeproof_agent.wire.answering import RequestError

_FILE = "measuring.lock"


class MeasurementLease:
    """A lock on a file of the board's store, which the kernel frees however the process ends."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the store's; where there is none, nobody else measures through it."""
        self._path = folder / _FILE

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Raises `RequestError` while another process has it. A file system without locks lets everybody in."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            yield
            return
        try:
            with contextlib.suppress(OSError):
                self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(
                "busy",
                "another measurement is under way on this board, and two disturb each other: wait for its end",
            ) from None
