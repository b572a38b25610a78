"""Strikes a process at its n-th call that changes files or sends bytes: kill -9 before or after it, or an error."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FrameType
from typing import Any

FILE_FAULTS = ("kill before", "kill after", "no space", "input/output error")

_CHANGING = frozenset(
    (
        *("open", "write", "writelines", "flush", "close", "truncate", "ftruncate", "copy_file_range", "sendfile"),
        *("fsync", "sync", "replace", "rename", "symlink", "link", "unlink", "remove", "mkdir", "rmdir", "utime"),
    )
)
_ERRORS = {"no space": errno.ENOSPC, "input/output error": errno.EIO}


class CallCounter:
    """A profile function: Python calls it around every call of a C function, system calls among them."""

    def __init__(self, report: Callable[[int], object], fault: str = "", at: int = 0) -> None:
        self._calls = 0
        self._report, self._fault, self._at = report, fault, at

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        if not isinstance(function, BuiltinFunctionType) or function.__name__ not in _CHANGING:
            return
        if event == "c_call":
            self._calls += 1
            self._report(self._calls)
            if self._calls == self._at:
                self._strike_before()
        elif event == "c_return" and self._calls == self._at and self._fault == "kill after":
            os.kill(os.getpid(), signal.SIGKILL)

    def _strike_before(self) -> None:
        if self._fault == "kill before":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._fault in _ERRORS:
            sys.setprofile(None)
            raise OSError(_ERRORS[self._fault], os.strerror(_ERRORS[self._fault]))


def watch(report: Callable[[int], object], fault: dict[str, Any] | None) -> None:
    """Counts from now on, telling `report` of each call, and strikes where `fault` ({"kind", "at"}) says."""
    sys.setprofile(CallCounter(report, fault["kind"], fault["at"]) if fault else CallCounter(report))
