"""What changes on a board while it works, at one moment: every cluster's clock, heat, throttling, load, memory.

It reads little, as it is called beside a measurement; what stays is in `board_state`.
"""

from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.cpu_share import cpu_list
from edgeproof_agent.machine.firmware import cpu_celsius, throttled_bits
from edgeproof_agent.machine.kernel_files import entries, kib_line, number, read_value

MAX_CLUSTERS = 8
"""No board has more; a server has one a CPU."""
_STAT_BYTES = 65_536
_STATUS_BYTES = 8192
_BUSY, _IDLE = (0, 1, 2, 5, 6, 7), (3, 4)
"""Columns of /proc/stat: user, nice, system, irq, softirq, steal; idle, iowait (man 5 proc_stat)."""

Ticks = tuple[float, float]
"""A CPU's time so far: busy, and idle."""


class BoardSampler:
    """Holds what does not change from one sample to the next, and the CPU time of the one before."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._policies = [
            (policy, cpu_list(read_value(policy / "related_cpus").replace(" ", ",")))
            for policy in entries(root / "sys/devices/system/cpu/cpufreq", "policy*", MAX_CLUSTERS)
        ]
        self._ticks: dict[int, Ticks] = {}

    def sample(self) -> dict[str, Any]:
        """Keys as in the host's `BoardSample`; what is not told is absent."""
        load = read_value(self._root / "proc/loadavg").split()
        rss_kib = kib_line(read_value(self._root / "proc/self/status", _STATUS_BYTES), "VmRSS")
        told: dict[str, Any] = {
            "temperature_celsius": cpu_celsius(self._root),
            "throttled_bits": throttled_bits(self._root),
            "load_1min": number(load[0]) if load else None,
            "rss_mib": None if rss_kib is None else rss_kib / 1024,
            "clusters": self._clusters() or None,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _clusters(self) -> list[dict[str, Any]]:
        busy = self._busy_shares()
        clusters = []
        for policy, cpus in self._policies:
            khz, limit_khz = (number(read_value(policy / f"scaling_{name}_freq")) for name in ("cur", "max"))
            shares = [busy[cpu] for cpu in cpus if cpu in busy]
            told = {
                "clock_mhz": None if khz is None else khz / 1000,
                "limit_mhz": None if limit_khz is None else limit_khz / 1000,
                "busy": round(max(shares), 3) if shares else None,
            }
            clusters.append({"first_cpu": cpus[0] if cpus else 0, **{k: v for k, v in told.items() if v is not None}})
        return clusters

    def _busy_shares(self) -> dict[int, float]:
        """Of each CPU, how much of the time since the sample before it has worked, 0..1."""
        now = _read_ticks(read_value(self._root / "proc/stat", _STAT_BYTES))
        shares = {}
        for cpu, (busy, idle) in now.items():
            before = self._ticks.get(cpu)
            passed = None if before is None else (busy - before[0]) + (idle - before[1])
            if before is not None and passed is not None and passed > 0:
                shares[cpu] = min(max((busy - before[0]) / passed, 0.0), 1.0)
        self._ticks = now
        return shares


def _read_ticks(text: str) -> dict[int, Ticks]:
    ticks = {}
    for line in text.splitlines():
        words = line.split()
        if not words or not words[0].startswith("cpu") or words[0] == "cpu":
            continue
        place = number(words[0][3:])
        values: list[Optional[float]] = [number(word) for word in words[1:9]]
        if place is None or len(values) < 8 or any(value is None for value in values):
            continue
        columns = [value for value in values if value is not None]
        ticks[int(place)] = (sum(columns[at] for at in _BUSY), sum(columns[at] for at in _IDLE))
    return ticks
