"""Bounds the agent's memory by what the board has free, so that a model or a picture never takes the board down.

RLIMIT_DATA is the limit: the kernel counts what the process has got to write into. RLIMIT_AS would count what takes no
memory of its own as well: mapped model files, some 200 MiB of libraries, and 64 MiB of addresses for each thread's
malloc. Measured on x86-64 with a tiny model and four threads: both kinds grew by 24 MiB, the threads' stacks, which
RLIMIT_DATA therefore counts although they stay empty; a model of 2.1 GB became an error of the runtime under either.
"""

import re
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, Optional

from edgeproof_agent.machine.kernel_files import TEXT_BYTES, kib_line, number, read_value, told

RESERVE_BYTES = 64 << 20
"""What stays free for the system at the least: sshd, the store service and the page cache of what runs."""
RESERVE_SHARE = 0.1
"""The same as a share of what is free: a board with more memory does more besides."""
LEAST_BYTES = 32 << 20
"""A board with less to spare than this gets an error of the runtime or of OpenCV, which says so."""
BYTES_A_PIXEL = 16
"""Memory that decoding takes at the most: three bytes, again for EXIF's turn, and a progressive JPEG's coefficients."""

_FIRST_VICTIM = "1000"
_NO_LIMIT = 1 << 60


def limit_memory(root: Path = Path("/")) -> Optional[int]:
    """Sets the limit for this process; returns how many bytes it may take from now on, None where nothing is told.

    A stricter limit that the user has set (`ulimit -d`) stays. When memory ends all the same, the kernel is asked to
    end this process ahead of all others.
    """
    told(lambda: (root / "proc/self/oom_score_adj").write_text(_FIRST_VICTIM), 0)
    used = _bytes(root / "proc/self/status", "VmData")
    free = free_bytes(root)
    if free is None or used is None:
        return None
    may_take = allowance(free)
    soft, hard = told(
        lambda: resource.getrlimit(resource.RLIMIT_DATA), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    set_before = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    limit = min([used + may_take, *set_before])
    if not told(partial(_set_limit, limit, hard), False):
        return None
    return max(limit - used, 0)


def _set_limit(soft: int, hard: int) -> bool:
    """Raises what the kernel has against it."""
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    return True


def allowance(free: int) -> int:
    """How much of the free bytes the agent may take."""
    return max(free - max(RESERVE_BYTES, int(free * RESERVE_SHARE)), LEAST_BYTES)


def free_bytes(root: Path = Path("/")) -> Optional[int]:
    """What the kernel can give without swapping, and what this process's control groups leave of it."""
    available = _bytes(root / "proc/meminfo", "MemAvailable")
    bounds = [available] if available is not None else []
    for folder, files in _groups(root):
        limit, used = (number(read_value(folder / name)) for name in (files.limit, files.used))
        if limit is not None and used is not None and limit < _NO_LIMIT:
            # The page cache in it can be dropped.
            match = re.search(rf"^{files.cache} (\d+)$", read_value(folder / "memory.stat", TEXT_BYTES), re.MULTILINE)
            bounds.append(max(int(limit - used) + (int(match.group(1)) if match else 0), 0))
    return min(bounds, default=None)


def group_limit_bytes(root: Path = Path("/")) -> Optional[int]:
    """The least that this process's control groups allow in all; None where they set no limit."""
    limits = [number(read_value(folder / files.limit)) for folder, files in _groups(root)]
    return min((int(limit) for limit in limits if limit is not None and limit < _NO_LIMIT), default=None)


class _GroupFiles(NamedTuple):
    limit: str
    used: str
    cache: str
    """A line of memory.stat."""


_SECOND_VERSION = _GroupFiles("memory.max", "memory.current", "inactive_file")
_FIRST_VERSION = _GroupFiles("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _groups(root: Path) -> Iterator[tuple[Path, _GroupFiles]]:
    """The folder of this process's control group and of each group above it, and what its files are called."""
    for line in read_value(root / "proc/self/cgroup", TEXT_BYTES).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        names = [name for name in path.split("/") if name not in ("", ".", "..")]
        for depth in range(len(names) + 1):
            if controllers == "":
                yield (root / "sys/fs/cgroup").joinpath(*names[:depth]), _SECOND_VERSION
            elif "memory" in controllers.split(","):
                yield (root / "sys/fs/cgroup/memory").joinpath(*names[:depth]), _FIRST_VERSION


def _bytes(path: Path, name: str) -> Optional[int]:
    kib = kib_line(read_value(path, TEXT_BYTES), name)
    return None if kib is None else kib << 10
