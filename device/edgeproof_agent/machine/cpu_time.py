"""Whose the CPUs' time is: what all processes took, what this one took, and how many CPUs it may use."""

import os
import re
from pathlib import Path
from typing import Optional

from edgeproof_agent.machine.kernel_files import TEXT_BYTES, number, read_value, told

_BUSY = (0, 1, 2, 5, 6, 7)
"""Of the first line of /proc/stat: user, nice, system, irq, softirq, steal; not idle and iowait (man 5 proc_stat)."""
_UTIME, _STIME = 11, 12
"""Of /proc/self/stat, counted from the state that follows the name (man 5 proc_pid_stat)."""


def busy_seconds(root: Path) -> Optional[float]:
    """What all CPUs together have worked since boot. None when the kernel does not count it."""
    line = read_value(root / "proc/stat", TEXT_BYTES).partition("\n")[0].split()
    ticks = _numbers(line[1:]) if line[:1] == ["cpu"] else []
    if len(ticks) <= _BUSY[-1] or not any(ticks):
        return None
    return sum(ticks[column] for column in _BUSY) / _ticks_a_second()


def own_seconds(root: Path) -> Optional[float]:
    """What this process has worked, all its threads together."""
    fields = read_value(root / "proc/self/stat", TEXT_BYTES).rpartition(")")[2].split()
    ticks = _numbers(fields[_UTIME : _STIME + 1])
    return sum(ticks) / _ticks_a_second() if len(ticks) == _STIME + 1 - _UTIME else None


def uptime_seconds(root: Path) -> Optional[float]:
    """Since boot, by the clock that both others are to be held against."""
    words = read_value(root / "proc/uptime").split()
    return number(words[0]) if words else None


def cpus_allowed(root: Path) -> Optional[int]:
    """How many CPUs this process may run on."""
    text = read_value(root / "proc/self/status", TEXT_BYTES)
    found = re.search(r"^Cpus_allowed:\s*([0-9a-f,]{1,4096})$", text, re.MULTILINE)
    return bin(int(found.group(1).replace(",", "") or "0", 16)).count("1") or None if found else None


def _numbers(words: list[str]) -> list[float]:
    return [value for value in map(number, words) if value is not None]


def _ticks_a_second() -> int:
    return told(lambda: os.sysconf("SC_CLK_TCK"), 100)  # USER_HZ of every architecture that boards have
