"""The board's state at one moment: heat, clock, throttling, load, memory. What a board cannot tell is None."""

from pathlib import Path
from typing import Any

from edgeproof_agent.machine.firmware import cpu_celsius, throttled_bits
from edgeproof_agent.machine.kernel_files import TEXT_BYTES, kib_line, number, read_value


def read_board_state(root: Path = Path("/")) -> dict[str, Any]:
    """Reads what the kernel (and, on a Raspberry Pi, the firmware) says. Keys as in the host's `BoardState`."""
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    clock_khz = number(read_value(cpufreq / "scaling_cur_freq"))
    load = read_value(root / "proc/loadavg").split()
    available_kib = kib_line(read_value(root / "proc/meminfo", TEXT_BYTES), "MemAvailable")
    peak_kib = kib_line(read_value(root / "proc/self/status", TEXT_BYTES), "VmHWM")
    return {
        "temperature_celsius": cpu_celsius(root),
        "clock_mhz": None if clock_khz is None else clock_khz / 1000,
        "governor": read_value(cpufreq / "scaling_governor") or None,
        "throttled_bits": throttled_bits(root),
        "load_1min": number(load[0]) if load else None,
        "memory_available_mib": None if available_kib is None else available_kib / 1024,
        "peak_rss_mib": None if peak_kib is None else peak_kib / 1024,
    }
