"""Which CPUs are this process's own: by its affinity and its control groups, and which of them are the big ones."""

import os
from pathlib import Path
from typing import NamedTuple, Optional

from edgeproof_agent.machine.kernel_files import TEXT_BYTES, entries, number, read_value, told

_MAX_NUMBER = 4096


class Cluster(NamedTuple):
    """CPUs of one kind, which share a clock."""

    cpus: frozenset[int]
    strength: float
    """The kernel's `cpu_capacity`, else the highest clock in kHz; comparable within one board."""


def allowed_cpus() -> frozenset[int]:
    """The CPUs that this thread may run on; empty when it is not told."""
    return told(lambda: frozenset(os.sched_getaffinity(0)), frozenset())


def quota_cpus(root: Path = Path("/")) -> Optional[float]:
    """How many CPUs' time this process's control groups allow it; None where they set no limit."""
    bounds = []
    for line in read_value(root / "proc/self/cgroup", TEXT_BYTES).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        names = [name for name in path.split("/") if name not in ("", ".", "..")]
        for depth in range(len(names) + 1):
            if controllers == "":
                words = read_value((root / "sys/fs/cgroup").joinpath(*names[:depth]) / "cpu.max").split()
            elif "cpu" in controllers.split(","):
                folder = (root / "sys/fs/cgroup/cpu").joinpath(*names[:depth])
                words = [read_value(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
            else:
                continue
            quota, period = [*map(number, words), None, None][:2]
            if quota is not None and period and quota > 0:
                bounds.append(quota / period)
    return min(bounds, default=None)


def usable_cpus(root: Path = Path("/")) -> int:
    """How many CPUs this process can keep busy, at least one: a thread more would only wait for another."""
    allowed = len(allowed_cpus()) or told(os.cpu_count, None) or 1
    quota = quota_cpus(root)
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def clusters(root: Path = Path("/")) -> list[Cluster]:
    """The board's clusters in the kernel's order; empty where it tells of no clocks."""
    found = []
    for policy in entries(root / "sys/devices/system/cpu/cpufreq", "policy*"):
        cpus = frozenset(int(word) for word in read_value(policy / "related_cpus").split() if word.isdecimal())
        if not cpus or max(cpus) > _MAX_NUMBER:
            continue
        capacity = number(read_value(root / f"sys/devices/system/cpu/cpu{min(cpus)}/cpu_capacity"))
        clock = number(read_value(policy / "cpuinfo_max_freq"))
        found.append((cpus, capacity, clock))
    by_capacity = all(capacity is not None for _, capacity, _ in found)
    return [Cluster(cpus, (capacity if by_capacity else clock) or 0.0) for cpus, capacity, clock in found]


def big_cpus(root: Path = Path("/")) -> frozenset[int]:
    """Of the CPUs of this process those of the strongest kind; empty where all are of one kind, or none is told."""
    allowed = allowed_cpus()
    ours = [Cluster(cluster.cpus & allowed, cluster.strength) for cluster in clusters(root) if cluster.cpus & allowed]
    strongest = max((cluster.strength for cluster in ours), default=0.0)
    if not strongest or all(cluster.strength == strongest for cluster in ours):
        return frozenset()
    return frozenset().union(*(cluster.cpus for cluster in ours if cluster.strength == strongest))


def take_cpus(cpus: frozenset[int]) -> bool:
    """Keeps this thread, and the threads that it will start, to these CPUs. Whether the kernel did so."""

    def take() -> bool:
        os.sched_setaffinity(0, cpus)
        return True

    return told(take, False)


def ranges(cpus: frozenset[int]) -> str:
    """`0-3,6`, as the kernel writes them."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and cpu == parts[-1][1] + 1:
            parts[-1][1] = cpu
        else:
            parts.append([cpu, cpu])
    return ",".join(f"{first}-{last}" if first != last else str(first) for first, last in parts)
