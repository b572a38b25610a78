"""Which CPUs this process may use, how much of them, and which of them are the big ones."""

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from edgeproof_agent.machine.kernel_files import TEXT_BYTES, entries, number, read_value, told

MAX_CPUS = 4096
_BIG_SHARE = 0.8
"""Of the strongest CPU's capacity: from here on one is big. A little one has 0.2 to 0.5 of it; the 'prime' core of some
boards is 1.1 times as strong as the big ones beside it."""


@dataclass(frozen=True)
class CpuShare:
    """What of the machine's CPUs is this process's."""

    total: int
    """CPUs of the machine that are online."""
    allowed: tuple[int, ...]
    """Those that it may run on (affinity)."""
    quota: Optional[float] = None
    """CPUs' worth of time that its control groups leave it; None without a limit."""

    @property
    def usable(self) -> int:
        """How many threads can run at once: a quota of 1.5 CPUs keeps two busy."""
        limit = len(self.allowed) if self.quota is None else math.ceil(self.quota)
        return max(1, min(len(self.allowed), limit))


def read_cpu_share(root: Path = Path("/")) -> CpuShare:
    allowed = tuple(sorted(told(lambda: os.sched_getaffinity(0), {0})))
    online = cpu_list(read_value(root / "sys/devices/system/cpu/online", TEXT_BYTES))
    total = len(online) or told(os.cpu_count, None) or 1
    return CpuShare(max(total, len(allowed)), allowed, cpu_quota(root))


def cpu_quota(root: Path) -> Optional[float]:
    """The strictest of the control groups that this process is in and of those above them, in CPUs."""
    found = []
    for line in read_value(root / "proc/self/cgroup", TEXT_BYTES).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            found += _quotas(root / "sys/fs/cgroup", path, ("cpu.max",))
        elif "cpu" in controllers.split(","):
            # Where cpu and cpuacct are mounted together, `cpu` is a link to it.
            found += _quotas(root / "sys/fs/cgroup/cpu", path, ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    return min(found, default=None)


def big_cpus(root: Path = Path("/")) -> tuple[int, ...]:
    """The CPUs of the strongest kind by the kernel's own measure (`cpu_capacity`, else the highest clock).

    Empty where all are alike, or where nothing is told.
    """
    folders = entries(root / "sys/devices/system/cpu", "cpu[0-9]*", MAX_CPUS)
    capacities = {}
    for folder in folders:
        place = re.fullmatch(r"cpu([0-9]{1,4})", folder.name)
        capacity = number(read_value(folder / "cpu_capacity"))
        capacity = number(read_value(folder / "cpufreq/cpuinfo_max_freq")) if capacity is None else capacity
        if place is not None and capacity is not None and capacity > 0:
            capacities[int(place.group(1))] = capacity
    strongest = max(capacities.values(), default=0.0)
    big = tuple(sorted(cpu for cpu, capacity in capacities.items() if capacity >= _BIG_SHARE * strongest))
    return big if 0 < len(big) < len(capacities) else ()


def cpu_list(text: str) -> tuple[int, ...]:
    """`0-3,6` as the kernel lists CPUs; empty when it is none."""
    cpus: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,4})(?:-([0-9]{1,4}))?\s*", part)
        if match is None:
            return ()
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        cpus += range(first, min(last, MAX_CPUS) + 1)
    return tuple(cpus)


def _quotas(mount: Path, path: str, files: tuple[str, ...]) -> list[float]:
    """Those of a group and of each group above it. In a container the mount begins at its own group."""
    found = []
    names = [name for name in path.split("/") if name not in ("", ".", "..")]
    for depth in range(len(names) + 1):
        folder = mount.joinpath(*names[:depth])
        words = " ".join(read_value(folder / file) for file in files).split()
        quota, period = (number(word) for word in [*words, "", ""][:2])
        if quota is not None and period is not None and quota > 0 and period > 0:
            found.append(quota / period)
    return found
