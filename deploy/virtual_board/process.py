"""A process that outlives whoever started it, found again by more than its number."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessIdentity:
    """A number is given to another process some day; together with the start time it is not."""

    pid: int
    start_ticks: int
    """When the process started, in clock ticks since the machine did."""

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """Raises `ProcessLookupError` when there is no such process."""
        ticks = _start_ticks(pid)
        if ticks is None:
            raise ProcessLookupError(pid)
        return cls(pid, ticks)

    def is_alive(self) -> bool:
        return _start_ticks(self.pid) == self.start_ticks

    def end(self, grace_seconds: float) -> None:
        """Ends it, by force after `grace_seconds`, and waits until it is gone."""
        self._signal(signal.SIGTERM, grace_seconds)
        self.kill(grace_seconds)

    def kill(self, grace_seconds: float = 10.0) -> None:
        """Ends it by force, and waits until it is gone."""
        self._signal(signal.SIGKILL, grace_seconds)

    def _signal(self, number: signal.Signals, grace_seconds: float) -> None:
        end = time.monotonic() + grace_seconds
        with contextlib.suppress(ProcessLookupError):
            if self.is_alive():
                os.kill(self.pid, number)
        while self.is_alive() and time.monotonic() < end:
            _reap(self.pid)
            time.sleep(_POLL_SECONDS)


def _start_ticks(pid: int) -> int | None:
    """None when the process is gone, or ended and not yet waited for."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # started by another process
        os.waitpid(pid, os.WNOHANG)
