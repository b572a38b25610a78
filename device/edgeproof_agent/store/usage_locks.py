"""Marks folders of the store as being in use, by shared locks that the kernel frees however their process ends."""

import fcntl
import os
from pathlib import Path


def hold(folder: Path) -> None:
    """Keeps `prune` from dropping a folder for as long as this process lives. A folder that is not there is no error:
    whoever wants to read it says so in better words."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # nobody has the other kind for longer than `is_held` looks
    except OSError:
        os.close(descriptor)  # the file system has no locks


def is_held(folder: Path) -> bool:
    """Whether a process of this board uses the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
