"""The board's state at one moment: heat, clock, throttling, load, memory. What a board cannot tell is None."""

import subprocess
from pathlib import Path
from typing import Any, Optional

_VCGENCMD_SECONDS = 2.0


def read_board_state(root: Path = Path("/")) -> dict[str, Any]:
    """Reads what the kernel (and, on a Raspberry Pi, the firmware) says. Keys as in the host's `BoardState`."""
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    clock_khz = _number(_read(cpufreq / "scaling_cur_freq"))
    load = (_read(root / "proc/loadavg") or "").split()
    available_kib = _kib(_read(root / "proc/meminfo"), "MemAvailable")
    peak_kib = _kib(_read(root / "proc/self/status"), "VmHWM")
    return {
        "temperature_celsius": _temperature(root),
        "clock_mhz": None if clock_khz is None else clock_khz / 1000,
        "governor": _read(cpufreq / "scaling_governor"),
        "throttled_bits": _throttled_bits(root),
        "load_1min": _number(load[0]) if load else None,
        "memory_available_mib": None if available_kib is None else available_kib / 1024,
        "peak_rss_mib": None if peak_kib is None else peak_kib / 1024,
    }


def _temperature(root: Path) -> Optional[float]:
    """The CPU's temperature: the zone that names itself after the CPU, else the first one."""
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    zones.sort(key=lambda zone: "cpu" not in (_read(zone / "type") or "").lower())
    for zone in zones:
        millidegrees = _number(_read(zone / "temp"))
        if millidegrees is not None:
            return millidegrees / 1000
    return None


def _throttled_bits(root: Path) -> Optional[int]:
    """Bits of `vcgencmd get_throttled` (0-3 now, 16-19 since boot), asked only on a board that has the firmware."""
    if not (root / "dev/vcio").exists():
        return None
    try:
        answer = subprocess.run(
            ["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=_VCGENCMD_SECONDS, check=True
        ).stdout
        return int(answer.strip().partition("=")[2], 16)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _kib(text: Optional[str], name: str) -> Optional[float]:
    """The number of a `Name:   123 kB` line."""
    for line in (text or "").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return _number(value.split()[0]) if value.split() else None
    return None


def _number(text: Optional[str]) -> Optional[float]:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _read(path: Path) -> Optional[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
