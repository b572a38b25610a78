"""Tries on the board itself what a store needs of its file system, its Python and this login's limits.

What the kernel says of a mount is not what a push meets: a file system can be mounted noexec, have no links, no locks,
no inodes left, or belong to somebody else. So each is done once, in a folder that is gone afterwards.
"""

import contextlib
import errno
import fcntl
import os
import pwd
import resource
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

from edgeproof_agent.machine.kernel_files import told
from edgeproof_agent.machine.memory_limit import group_limit_bytes

LEAST_INODES = 4_000
"""A runtime's environment has some 2500 files and folders, and as many once Python has compiled them."""
LEAST_ADDRESS_SPACE_BYTES = 1 << 30
"""`ulimit -v`: an agent maps some 700 MiB of libraries and threads' stacks, of which it uses a fraction."""
LEAST_FILE_BYTES = 64 << 20
"""`ulimit -f`: the largest file of a runtime has 40 MB."""
LEAST_MEMORY_BYTES = 160 << 20
"""Of a control group: an agent with a detector of 300 x 300."""
LEAST_OPEN_FILES = 64
_PLACE = ".edgeproof-trial-"
_STALE_SECONDS = 600.0

_NAMES = (
    "_ctypes _struct argparse base64 bisect collections compileall concurrent.futures configparser contextlib "
    "csv ctypes dataclasses datetime email enum fcntl filecmp functools gc glob grp hashlib hmac importlib.metadata "
    "inspect io itertools json logging math mmap pathlib pickle platform pwd random re resource secrets select shlex "
    "shutil signal site socket stat struct subprocess sysconfig tempfile threading traceback types typing unicodedata "
    "urllib.parse uuid venv warnings weakref zipfile zipimport zlib"
)
MODULES = tuple(_NAMES.split())
"""Of the standard library what the agent, the installation of wheels, NumPy and the runtimes import. A distribution for
devices (Yocto, OpenWrt) has it in many packages, of which some are not installed."""

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class Trouble(NamedTuple):
    """`kind` is a fixed word that the host has a remedy for: readonly, owner, folder, noexec, links, locks, inodes,
    modules, limits, storage, disk."""

    kind: str
    text: str


class Trial(NamedTuple):
    troubles: list[Trouble]
    figures: dict[str, Optional[int]]
    """What is left and allowed: free_bytes and free_inodes of the store's file system, and this login's limits."""


def try_store(root: Path, modules: bool = False) -> Trial:
    """Tries the file system that the store's folder `root` is on or will be on; with `modules`, Python's library, too.

    Nothing stays behind.
    """
    folder = _nearest(root)
    troubles = _file_system(root, folder)
    status = told(lambda: os.statvfs(folder), None)
    free_inodes = None if status is None or not status.f_files else status.f_favail
    if free_inodes is not None and free_inodes < LEAST_INODES:
        troubles.append(Trouble("inodes", f"the file system of {folder} has {free_inodes} inodes (files) left"))
    limits = {name: _limit(number) for name, number in _LIMITS.items()}
    limits["group_memory_bytes"] = group_limit_bytes()
    troubles += _limits_in_words(limits)
    if modules:
        missing = missing_modules()
        if missing:
            troubles.append(Trouble("modules", f"its Python lacks of the standard library: {', '.join(missing)}"))
    free_bytes = None if status is None else status.f_bavail * status.f_frsize
    return Trial(troubles, {"free_bytes": free_bytes, "free_inodes": free_inodes, **limits})


def as_reply(trial: Trial) -> dict[str, Any]:
    return {"troubles": [trouble._asdict() for trouble in trial.troubles], "figures": trial.figures}


def missing_modules() -> list[str]:
    """Of `MODULES` those that this Python has not."""
    return [name for name in MODULES if not told(partial(_has_module, name), False)]


def _has_module(name: str) -> bool:
    """Raises `ImportError` when a package that it is in is missing."""
    import importlib.util  # doctor and provision alone ask

    return importlib.util.find_spec(name) is not None


def _nearest(root: Path) -> Path:
    """The folder nearest to the store that is there."""
    return next((folder for folder in (root, *root.parents) if folder.is_dir()), Path("/"))


def _file_system(root: Path, folder: Path) -> list[Trouble]:
    if folder not in (root, root.parent):
        return [Trouble("folder", f"there is no folder {root.parent}")]
    owner = folder.stat().st_uid
    if folder == root and owner != os.geteuid():
        return [Trouble("owner", f"{root} belongs to {_user(owner)}, and {_user(os.geteuid())} is logged in")]
    try:
        _clear(folder)
        place = folder / f"{_PLACE}{os.getpid()}"
        place.mkdir(0o700)
    except OSError as error:
        return [_refused(error, folder)]
    try:
        return [trouble for step in _STEPS for trouble in _tried(step, place)]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _clear(folder: Path) -> None:
    """Takes away what a trial left that was killed; a file system that is not there for a moment keeps it."""
    for left in folder.glob(f"{_PLACE}*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _refused(error: OSError, folder: Path) -> Trouble:
    words = error.strerror or str(error)
    if error.errno == errno.EROFS:
        return Trouble("readonly", f"the file system of {folder} is read-only")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Trouble("disk", f"{folder}: {words}")
    if error.errno in (errno.EACCES, errno.EPERM):
        status = told(folder.stat, None)
        whose = f", it belongs to {_user(status.st_uid)}" if status else ""
        return Trouble("owner", f"{_user(os.geteuid())} may not write to {folder}{whose}")
    return Trouble("storage", f"{words}: {folder}")


def _tried(step: Callable[[Path], Optional[Trouble]], place: Path) -> list[Trouble]:
    try:
        trouble = step(place)
    except OSError as error:
        trouble = Trouble("storage", f"{error.strerror or error} ({step.__name__.strip('_')}): {place.parent}")
    return [trouble] if trouble else []


def _execute(place: Path) -> Optional[Trouble]:
    """access(2) answers for a file on a noexec mount as execve would."""
    program = place / "program"
    program.write_bytes(b"#!/bin/sh\nexit 0\n")
    program.chmod(0o700)
    if os.access(program, os.X_OK):
        return None
    return Trouble("noexec", f"nothing may be executed from {place.parent} (mounted noexec)")


def _link(place: Path) -> Optional[Trouble]:
    """What an app is switched by: a symbolic link that takes the place of another one."""
    try:
        for name in ("one", "two"):
            os.symlink(name, place / name)
        os.replace(place / "two", place / "one")
        if os.readlink(place / "one") == "two":
            return None
    except OSError as error:
        return Trouble("links", f"{place.parent} takes no symbolic links ({error.strerror})")
    return Trouble("links", f"on {place.parent} a symbolic link does not take another one's place")


def _rename_folder(place: Path) -> Optional[Trouble]:
    """What an object gets its name by."""
    (place / "new").mkdir()
    (place / "new/file").write_bytes(b"whole")
    os.rename(place / "new", place / "named")
    if (place / "named/file").read_bytes() == b"whole":
        return None
    return Trouble("storage", f"{place.parent} does not keep a folder that is renamed")


def _lock(place: Path) -> Optional[Trouble]:
    """A second holder has to be refused, too: a file system can take locks and not keep them."""
    with (place / "lock").open("wb") as first, (place / "lock").open("wb") as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return Trouble("locks", f"the file system of {place.parent} does not keep locks")
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return Trouble("locks", f"the file system of {place.parent} has no locks ({error.strerror})")
            raise
    return None


_STEPS = (_execute, _link, _rename_folder, _lock)

_LIMITS = {
    "address_space_bytes": resource.RLIMIT_AS,
    "file_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
}


def _limit(number: int) -> Optional[int]:
    """A soft limit of this login; None where there is none."""
    limit = told(lambda: resource.getrlimit(number)[0], resource.RLIM_INFINITY)
    return None if limit == resource.RLIM_INFINITY else limit


def _limits_in_words(limits: dict[str, Optional[int]]) -> list[Trouble]:
    told_limits = (
        ("address_space_bytes", LEAST_ADDRESS_SPACE_BYTES, "ulimit -v allows a process {mib} MiB of addresses"),
        ("file_bytes", LEAST_FILE_BYTES, "ulimit -f allows files of {mib} MiB"),
        ("open_files", LEAST_OPEN_FILES, "ulimit -n allows {value} open files"),
        ("group_memory_bytes", LEAST_MEMORY_BYTES, "this login's control group has {mib} MiB of memory"),
    )
    return [
        Trouble("limits", words.format(mib=value >> 20, value=value))
        for name, least, words in told_limits
        for value in [limits[name]]
        if value is not None and value < least
    ]


def _user(number: int) -> str:
    return told(lambda: pwd.getpwuid(number).pw_name, f"user {number}")
