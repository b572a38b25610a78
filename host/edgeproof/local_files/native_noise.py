"""Keeps C and C++ libraries from writing to standard error, past Python and past every log level."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator


class _Aside:
    """Descriptor 2 belongs to the whole process: threads that want it silent at once share one silence."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._kept = -1

    def begin(self) -> None:
        with self._lock:
            self._blocks += 1
            if self._blocks > 1:
                return
            sys.stderr.flush()
            self._kept = os.dup(2)
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 2)
            os.close(nothing)

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks:
                return
            sys.stderr.flush()
            os.dup2(self._kept, 2)
            os.close(self._kept)


_ASIDE = _Aside()


@contextlib.contextmanager
def without_native_noise() -> Iterator[None]:
    """Moves descriptor 2 of the whole process aside for the block; Python's own standard error is silent too."""
    _ASIDE.begin()
    try:
        yield
    finally:
        _ASIDE.end()
