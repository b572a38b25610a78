"""What kinds of cores a board has, out of /proc/cpuinfo.

Part numbers of MIDR_EL1 by implementer: from `lscpu` (sys-utils/lscpu-arm.c of util-linux) and, for the newest, the
kernel's arch/arm64/include/asm/cputype.h. A number that stands in neither is told as unknown.
"""

import re
from typing import NamedTuple

from edgeproof.board.facts import colon_lines

_CORES = {
    0x41: {  # Arm
        **{0xB36: "ARM1136", 0xB56: "ARM1156", 0xB76: "ARM1176", 0xB02: "ARM11 MPCore", 0xC05: "Cortex-A5"},
        **{0xC07: "Cortex-A7", 0xC08: "Cortex-A8", 0xC09: "Cortex-A9", 0xC0D: "Cortex-A17", 0xC0E: "Cortex-A17"},
        **{0xC0F: "Cortex-A15", 0xD01: "Cortex-A32", 0xD02: "Cortex-A34", 0xD03: "Cortex-A53", 0xD04: "Cortex-A35"},
        **{0xD05: "Cortex-A55", 0xD06: "Cortex-A65", 0xD07: "Cortex-A57", 0xD08: "Cortex-A72", 0xD09: "Cortex-A73"},
        **{0xD0A: "Cortex-A75", 0xD0B: "Cortex-A76", 0xD0C: "Neoverse-N1", 0xD0D: "Cortex-A77", 0xD0E: "Cortex-A76AE"},
        **{0xD40: "Neoverse-V1", 0xD41: "Cortex-A78", 0xD42: "Cortex-A78AE", 0xD43: "Cortex-A65AE"},
        **{0xD44: "Cortex-X1", 0xD46: "Cortex-A510", 0xD47: "Cortex-A710", 0xD48: "Cortex-X2", 0xD49: "Neoverse-N2"},
        **{0xD4A: "Neoverse-E1", 0xD4B: "Cortex-A78C", 0xD4C: "Cortex-X1C", 0xD4D: "Cortex-A715", 0xD4E: "Cortex-X3"},
        **{0xD4F: "Neoverse-V2", 0xD80: "Cortex-A520", 0xD81: "Cortex-A720", 0xD82: "Cortex-X4"},
        **{0xD83: "Neoverse-V3AE", 0xD84: "Neoverse-V3", 0xD85: "Cortex-X925", 0xD87: "Cortex-A725"},
        **{0xD89: "Cortex-A720AE", 0xD8E: "Neoverse-N3"},
    },
    0x42: {0x00F: "Brahma-B15", 0x100: "Brahma-B53"},  # Broadcom
    0x48: {0xD01: "Kunpeng-920", 0xD40: "Cortex-A76"},  # HiSilicon
    0x4E: {0x000: "Denver", 0x003: "Denver 2", 0x004: "Carmel"},  # NVIDIA
    0x51: {  # Qualcomm
        **{0x04D: "Krait", 0x06F: "Krait", 0x201: "Kryo", 0x205: "Kryo", 0x211: "Kryo", 0x800: "Falkor-V1/Kryo"},
        **{0x801: "Kryo-V2", 0x802: "Kryo-3XX-Gold", 0x803: "Kryo-3XX-Silver", 0x804: "Kryo-4XX-Gold"},
        **{0x805: "Kryo-4XX-Silver"},
    },
    0x53: {0x001: "exynos-m1", 0x002: "exynos-m3", 0x003: "exynos-m4", 0x004: "exynos-m5"},  # Samsung
    0x61: {  # Apple
        **{0x022: "Icestorm-M1", 0x023: "Firestorm-M1", 0x024: "Icestorm-M1-Pro", 0x025: "Firestorm-M1-Pro"},
        **{0x028: "Icestorm-M1-Max", 0x029: "Firestorm-M1-Max", 0x032: "Blizzard-M2", 0x033: "Avalanche-M2"},
    },
}
_MAKERS = {0x41: "Arm", 0x42: "Broadcom", 0x48: "HiSilicon", 0x4E: "NVIDIA", 0x51: "Qualcomm", 0x53: "Samsung"}
_MAKERS |= {0x61: "Apple"}
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,4}")
_NUMBER = re.compile(r"[0-9]{1,4}")


class Core(NamedTuple):
    number: int
    """The kernel's number of the CPU."""
    name: str


def cores(cpuinfo: str) -> list[str]:
    """The kinds of cores: `4 x Cortex-A76`; empty when cpuinfo names none."""
    counts: dict[str, int] = {}
    for core in named_cores(cpuinfo):
        counts[core.name] = counts.get(core.name, 0) + 1
    return [f"{count} x {name}" for name, count in counts.items()]


def named_cores(cpuinfo: str) -> list[Core]:
    """Each CPU that has a name, in the kernel's order.

    An older kernel on 32 bits tells what the cores are once for all of them, in a block without a number, or has no
    number at all on a board of one core.
    """
    blocks = [colon_lines(block) for block in re.split(r"\n\s*\n", cpuinfo)]
    common = next((block for block in blocks if "processor" not in block and "CPU part" in block), {})
    numbered = [block for block in blocks if _NUMBER.fullmatch(block.get("processor", ""))]
    found = []
    for block in numbered or [{"processor": "0"}] * bool(common):
        name = core_name({**common, **block})
        if name:
            found.append(Core(int(block["processor"]), name))
    return found


def core_name(lines: dict[str, str]) -> str:
    """Of one block of cpuinfo; empty when it says nothing of the core."""
    implementer, part = (lines.get(key, "") for key in ("CPU implementer", "CPU part"))
    if not _HEXADECIMAL.fullmatch(implementer) or not _HEXADECIMAL.fullmatch(part):
        # RISC-V tells the microarchitecture (`sifive,u74-mc`) or at least the instruction set, x86 a model's name.
        return lines.get("model name") or lines.get("uarch") or _instruction_set(lines.get("isa", ""))
    maker, number = int(implementer, 16), int(part, 16)
    name = _CORES.get(maker, {}).get(number)
    return name or f"unknown {_MAKERS.get(maker, f'implementer {maker:#x}')} core {number:#x}"


def _instruction_set(isa: str) -> str:
    """`rv64imafdc_zicntr` and dozens more, up to the first underscore."""
    return f"RISC-V {isa.partition('_')[0]}" if isa.startswith("rv") else ""
