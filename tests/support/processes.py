"""Looks at processes of this machine, for tests of what is left behind."""

import contextlib
import os
import time
from pathlib import Path

_WAIT_SECONDS = 20.0


def is_gone(pid: int) -> bool:
    """Waits, with a limit, until a process has ended (a zombie has)."""
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        if not _alive(pid):
            return True
        time.sleep(0.02)
    return False


def processes_below(folder: Path) -> list[int]:
    """Processes that name `folder` on their command line, or work in it; this one is left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = command_line(int(entry.name))
            working = os.readlink(entry / "cwd")
        except OSError:
            continue
        if (str(folder) in command or working.startswith(str(folder))) and _alive(int(entry.name)):
            found.append(int(entry.name))
    return found


def none_left_below(folder: Path, keep: set[int]) -> bool:
    """Waits, with a limit, until no process but those in `keep` has to do with `folder`."""
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        if not set(processes_below(folder)) - keep:
            return True
        time.sleep(0.05)
    return False


def children(pid: int) -> list[int]:
    """The processes that another one has started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def command_line(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"
