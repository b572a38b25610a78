"""Numbers out of the texts of an examination. Pure; what is not told, or is not understood, is None or empty."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.board.doctor.examination import ClockPolicy, Examination, FirmwareAnswer, ThermalZone
from edgeproof.board.facts import colon_lines

_KIB = re.compile(r"([0-9]{1,15})(?: kB)?")
_INTEGER = re.compile(r"-?[0-9]{1,12}")
_DECIMAL = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_THROTTLED = re.compile(r"throttled=0x([0-9a-fA-F]{1,8})")
_HEXADECIMAL = re.compile(r"(?:0x)?([0-9a-fA-F]{1,8})")
_FIRMWARE_CELSIUS = re.compile(r"temp=([0-9]{1,3}(?:\.[0-9]{1,3})?)'C")
_PLAUSIBLE_CELSIUS = range(-40, 151)
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Memory:
    total_mib: float
    available_mib: float
    swap_total_mib: float
    swap_free_mib: float


@dataclass(frozen=True)
class Clock:
    """Of one group of cores; frequencies in MHz, None where the kernel does not tell."""

    cpus: str
    """Of which cores: `4-7`."""
    governor: str
    current_mhz: float | None
    minimum_mhz: float | None
    maximum_mhz: float | None
    """What the governor may go up to."""
    hardware_maximum_mhz: float | None


@dataclass(frozen=True)
class Mount:
    point: str
    type: str
    source: str
    read_only: bool


def memory(meminfo: str) -> Memory | None:
    lines = colon_lines(meminfo)

    def mib(name: str) -> float:
        match = _KIB.fullmatch(lines.get(name, ""))
        return int(match[1]) / 1024 if match else 0.0

    if not mib("MemTotal"):
        return None
    # MemAvailable came with Linux 3.14.
    available = mib("MemAvailable") if "MemAvailable" in lines else mib("MemFree") + mib("Cached")
    return Memory(mib("MemTotal"), available, mib("SwapTotal"), mib("SwapFree"))


def cpu_features(cpuinfo: str) -> frozenset[str]:
    """`Features` (ARM) or `flags` (x86) that every core has."""
    per_core = [
        frozenset(value.split())
        for line in cpuinfo.splitlines()
        for key, _, value in [line.partition(":")]
        if key.strip() in ("Features", "flags")
    ]
    return frozenset.intersection(*per_core) if per_core else frozenset()


def clocks(policies: Sequence[ClockPolicy]) -> list[Clock]:
    return [
        Clock(
            cpus="-".join(
                dict.fromkeys(policy.related_cpus.split()[index] for index in (0, -1) if policy.related_cpus)
            ),
            governor=policy.scaling_governor,
            current_mhz=_mhz(policy.scaling_cur_freq),
            minimum_mhz=_mhz(policy.scaling_min_freq),
            maximum_mhz=_mhz(policy.scaling_max_freq),
            hardware_maximum_mhz=_mhz(policy.cpuinfo_max_freq),
        )
        for policy in policies
    ]


def throttled_bits(answer: FirmwareAnswer, firmware_throttled: str) -> int | None:
    """Of `vcgencmd get_throttled`, or of the firmware driver's file, which has no 0x."""
    match = _THROTTLED.fullmatch(answer.output) if answer.outcome == "ok" else None
    match = match or _HEXADECIMAL.fullmatch(firmware_throttled)
    return int(match[1], 16) if match else None


def temperature(zones: Sequence[ThermalZone], answer: FirmwareAnswer) -> tuple[float, str] | None:
    """Degrees Celsius and where: of the zone that names itself after the CPU or the chip, else of the first one.

    A board can have others that say nothing of the CPU, or always the same.
    """

    def rank(zone: ThermalZone) -> int:
        name = zone.type.lower()
        return 0 if "cpu" in name else 1 if "soc" in name or "bcm2835" in name else 2

    for zone in sorted(zones, key=rank):
        if _INTEGER.fullmatch(zone.temp) and int(zone.temp) // 1000 in _PLAUSIBLE_CELSIUS:
            return int(zone.temp) / 1000, zone.type or "thermal zone"
    match = _FIRMWARE_CELSIUS.fullmatch(answer.output) if answer.outcome == "ok" else None
    return (float(match[1]), "vcgencmd") if match and float(match[1]) <= _PLAUSIBLE_CELSIUS[-1] else None


def mount_of(folder: str, mountinfo: str) -> Mount | None:
    """The file system that holds a folder (format: proc_pid_mountinfo(5)); a later mount hides an earlier one."""
    best: Mount | None = None
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        words, rest = before.split(" "), after.split(" ")
        if not separator or len(words) < 6 or len(rest) < 3:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), words[4])
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best.point)):
            read_only = "ro" in words[5].split(",") or "ro" in rest[2].split(",")
            best = Mount(point, rest[0], rest[1], read_only)
    return best


def uptime_seconds(uptime: str) -> float | None:
    first = uptime.split(" ")[0]
    return float(first) if _DECIMAL.fullmatch(first) else None


def is_raspberry_pi(examination: Examination) -> bool:
    return "raspberrypi," in examination.compatible


def _mhz(khz: str) -> float | None:
    value = int(khz) / 1000 if _INTEGER.fullmatch(khz) else math.nan
    return value if value > 0 else None
