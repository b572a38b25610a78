"""Keeps C and C++ libraries from writing to standard error, past Python and past every log level."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_native_noise() -> Iterator[None]:
    """Moves descriptor 2 of the whole process aside for the block; Python's own standard error is silent too."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        os.close(nothing)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
