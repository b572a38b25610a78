"""What a board draws, from a source that measures the whole of it. Where there is none, nothing is told."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from edgeproof_agent.machine.firmware import ask_firmware
from edgeproof_agent.machine.kernel_files import entries, number, read_value, told

METER, PMIC = "meter", "pmic"
"""Kinds: a current sensor in the board's supply, and a Raspberry Pi 5's own power chip, which sees what flows out of
its regulators, and not what is lost in them or flows past them."""
_CHIPS = re.compile(r"ina[0-9]{3,4}x?")
"""Sensors that are built into a supply line (Documentation/hwmon/ina2xx.rst, ina3221.rst)."""
_WHOLE_LABELS = ("VDD_IN", "POM_5V_IN", "VIN", "TOTAL")
"""Of a sensor with several channels, what a board calls the one that all flows through: Jetson Orin Nano and NX, Xavier
NX, Jetson Nano."""
_MAX_CHANNELS = 8
_PMIC_QUESTION = "pmic_read_adc"
PMIC_BYTES = 4096
"""A Raspberry Pi 5 tells of its rails in some 1100 characters."""
_FEWEST_RAILS = 8
"""A Pi 5 tells twelve. Fewer are not the board."""
_MAX_WATTS = 1000.0


@dataclass(frozen=True)
class PowerSource:
    name: str
    kind: str
    read: Callable[[], Optional[float]]
    """Watts at this moment, None when they are not told."""


def find_power_source(root: Path = Path("/")) -> Optional[PowerSource]:
    """A meter before the PMIC. None where the board has neither."""
    for source in (*_meters(root), *_pmic(root)):
        if source.read() is not None:
            return source
    return None


def pmic_watts(text: str) -> Optional[float]:
    """The sum over all rails of volts times amperes in an answer to `vcgencmd pmic_read_adc`; None for another text."""
    values: dict[tuple[str, str], float] = {}
    for name, kind, value in re.findall(
        r"(?m)^\s*([A-Z0-9_]{1,32})_([AV]) (?:current|volt)\([0-9]{1,3}\)=(-?[0-9]{1,4}\.[0-9]{1,12})[AV]\s*$", text
    ):
        values[name, kind] = float(value)
    rails = [name for name, kind in values if kind == "A" and (name, "V") in values]
    if len(rails) < _FEWEST_RAILS or any(kind == "A" and (name, "V") not in values for name, kind in values):
        return None
    return _plausible(sum(values[name, "A"] * values[name, "V"] for name in rails))


def _pmic(root: Path) -> list[PowerSource]:
    """Only a Pi 5's firmware knows the question; older ones answer with an error, which is no text of rails."""
    if not told((root / "dev/vcio").exists, False):
        return []

    def read() -> Optional[float]:
        answer = ask_firmware(_PMIC_QUESTION, PMIC_BYTES)
        return pmic_watts(answer["output"]) if answer["outcome"] == "ok" else None

    return [PowerSource("Raspberry Pi PMIC", PMIC, read)]


def _meters(root: Path) -> list[PowerSource]:
    """Those whose channel is known to be the whole board's: a labelled one, else the only channel of the only chip."""
    channels = [channel for chip in entries(root / "sys/class/hwmon", "hwmon*") for channel in _channels(chip)]
    named = [channel for channel in channels if channel[1].upper() in _WHOLE_LABELS]
    chosen = named[:1] or (channels if len(channels) == 1 else [])
    return [_meter(*channel) for channel in chosen]


def _channels(chip: Path) -> list[tuple[Path, str, int]]:
    """Of a supply's sensor: its folder, the channel's label, and its number."""
    if not _CHIPS.fullmatch(read_value(chip / "name").lower()):
        return []
    found = []
    for channel in range(1, _MAX_CHANNELS + 1):
        if _channel_watts(chip, channel) is not None:
            label = read_value(chip / f"in{channel}_label") or read_value(chip / f"power{channel}_label")
            found.append((chip, label, channel))
    return found


def _meter(chip: Path, label: str, channel: int) -> PowerSource:
    name = " ".join(part for part in (read_value(chip / "name"), label) if part)
    return PowerSource(name, METER, lambda: _channel_watts(chip, channel))


def _channel_watts(chip: Path, channel: int) -> Optional[float]:
    """`power*_input` in microwatts, else millivolts times milliamperes (Documentation/hwmon/sysfs-interface.rst).

    An INA2xx has its bus voltage as in1 and the shunt's as in0; its only current is curr1.
    """
    microwatts = number(read_value(chip / f"power{channel}_input"))
    if microwatts is not None:
        return _plausible(microwatts / 1e6)
    values = [number(read_value(chip / f"{kind}{channel}_input")) for kind in ("in", "curr")]
    millivolts, milliamperes = values
    return None if millivolts is None or milliamperes is None else _plausible(millivolts * milliamperes / 1e6)


def _plausible(watts: float) -> Optional[float]:
    """A sensor that nothing flows through, or that is not wired, measures no board."""
    return watts if 0.0 < watts <= _MAX_WATTS else None
