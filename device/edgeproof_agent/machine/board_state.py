"""The board's state at one moment: heat, clocks, throttling, load, memory, CPU time. What is not told is None."""

import re
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.cpu_time import busy_seconds, cpus_allowed, own_seconds, uptime_seconds
from edgeproof_agent.machine.firmware import cpu_celsius, throttled_bits
from edgeproof_agent.machine.kernel_files import TEXT_BYTES, entries, kib_line, number, read_value

_COOLS_A_CPU = re.compile(r"(thermal-)?cpufreq-|Processor")
"""The kernel's cooling devices that lower a CPU's clock: cpufreq-cpu4 since Linux 5.10, thermal-cpufreq-0 before."""


def read_board_state(root: Path = Path("/")) -> dict[str, Any]:
    """Reads what the kernel (and, on a Raspberry Pi, the firmware) says. Keys as in the host's `BoardState`."""
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    clock_khz = number(read_value(cpufreq / "scaling_cur_freq"))
    clusters = entries(root / "sys/devices/system/cpu/cpufreq", "policy*")
    clocks_khz = [number(read_value(cluster / "scaling_cur_freq")) for cluster in clusters]
    load = read_value(root / "proc/loadavg").split()
    available_kib = kib_line(read_value(root / "proc/meminfo", TEXT_BYTES), "MemAvailable")
    peak_kib = kib_line(read_value(root / "proc/self/status", TEXT_BYTES), "VmHWM")
    return {
        "temperature_celsius": cpu_celsius(root),
        "clock_mhz": None if clock_khz is None else clock_khz / 1000,
        "clocks_mhz": [khz / 1000 for khz in clocks_khz if khz is not None] or None,
        "cooling_state": _cooling_state(root),
        "governor": read_value(cpufreq / "scaling_governor") or None,
        "throttled_bits": throttled_bits(root),
        "load_1min": number(load[0]) if load else None,
        "memory_available_mib": None if available_kib is None else available_kib / 1024,
        "peak_rss_mib": None if peak_kib is None else peak_kib / 1024,
        "busy_cpu_seconds": busy_seconds(root),
        "own_cpu_seconds": own_seconds(root),
        "uptime_seconds": uptime_seconds(root),
        "cpus_allowed": cpus_allowed(root),
    }


def _cooling_state(root: Path) -> Optional[int]:
    """How far heat holds a CPU's clock down: the highest state of the kernel's cooling devices that do so, 0: not."""
    states = [
        number(read_value(device / "cur_state"))
        for device in entries(root / "sys/class/thermal", "cooling_device*")
        if _COOLS_A_CPU.match(read_value(device / "type"))
    ]
    return max((int(state) for state in states if state is not None), default=None)
