"""What the agent's probe tells of well-known boards.

Written from documented formats (the device tree's model names, os-release of each Raspberry Pi OS, confstr of each
glibc, /proc/cpuinfo of the kernel's arm and arm64 ports), not recorded on the boards themselves.
"""

from typing import Any

_BULLSEYE = 'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nNAME="Debian GNU/Linux"\nVERSION_ID="11"\nID=debian\n'
_BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
_TRIXIE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n'
_RASPBIAN = 'PRETTY_NAME="Raspbian GNU/Linux 11 (bullseye)"\nNAME="Raspbian GNU/Linux"\nID=raspbian\nID_LIKE=debian\n'
_ALPINE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n'

_ARM64_CPUINFO = "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n\n"


def probe_of(**changes: Any) -> dict[str, Any]:
    """A Raspberry Pi 4 with bookworm, but for the changes."""
    return {
        "machine": "aarch64",
        "pointer_bits": 64,
        "multiarch": "aarch64-linux-gnu",
        "soabi": "cpython-311-aarch64-linux-gnu",
        "python": "3.11.2",
        "python_implementation": "CPython",
        "python_executable": "/usr/bin/python3",
        "libc": "glibc 2.36",
        "system_modules": [],
        "kernel": "6.6.51+rpt-rpi-v8",
        "cpu_count": 4,
        "disk_free_bytes": 20 << 30,
        "model": "Raspberry Pi 4 Model B Rev 1.4",
        "os_release": _BOOKWORM,
        "meminfo": "MemTotal:        3884772 kB\nMemFree:         2957184 kB\n",
        "cpuinfo": _ARM64_CPUINFO,
        **changes,
    }


PI_3_BULLSEYE = probe_of(
    model="Raspberry Pi 3 Model B Plus Rev 1.3",
    os_release=_BULLSEYE,
    python="3.9.2",
    soabi="cpython-39-aarch64-linux-gnu",
    libc="glibc 2.31",
    kernel="6.1.21-v8+",
    meminfo="MemTotal:         931292 kB\n",
)
PI_4_BOOKWORM = probe_of()
PI_5_TRIXIE = probe_of(
    model="Raspberry Pi 5 Model B Rev 1.0",
    os_release=_TRIXIE,
    python="3.13.5",
    soabi="cpython-313-aarch64-linux-gnu",
    libc="glibc 2.41",
    kernel="6.12.25+rpt-rpi-2712",
    meminfo="MemTotal:        8256832 kB\n",
)
PI_ZERO_2_BOOKWORM = probe_of(model="Raspberry Pi Zero 2 W Rev 1.0", meminfo="MemTotal:         426732 kB\n")
PI_4_RASPBIAN_32_BIT = probe_of(
    # Raspberry Pi OS of 32 bits boots a 64-bit kernel on a Pi 4, and uname speaks of the kernel.
    machine="aarch64",
    pointer_bits=32,
    multiarch="arm-linux-gnueabihf",
    soabi="cpython-39-arm-linux-gnueabihf",
    os_release=_RASPBIAN,
    python="3.9.2",
    libc="glibc 2.31",
)
PI_ZERO_ARMV6 = probe_of(
    machine="armv6l",
    pointer_bits=32,
    model="Raspberry Pi Zero W Rev 1.1",
    os_release=_RASPBIAN,
    cpuinfo="processor\t: 0\nmodel name\t: ARMv6-compatible processor rev 7 (v6l)\nHardware\t: BCM2835\n",
    cpu_count=1,
)
ALPINE = probe_of(model="", os_release=_ALPINE, libc="", soabi="cpython-312-aarch64-linux-musl", python="3.12.7")
MUSL = probe_of(
    machine="x86_64", multiarch="", libc="", soabi="cpython-313-x86_64-linux-musl", python="3.13.2", model=""
)
"""What the store service told of itself under a real Python that Alpine built, run by musl's loader."""
DESKTOP = probe_of(
    machine="x86_64",
    soabi="cpython-312-x86_64-linux-gnu",
    model="",
    python="3.12.3",
    libc="glibc 2.39",
    os_release='PRETTY_NAME="Ubuntu 24.04.1 LTS"\n',
    cpuinfo="processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: 11th Gen Intel(R) Core(TM) i7 @ 2.80GHz\n",
)
EMULATED = probe_of(model="linux,dummy-virt")
FREE_THREADED = probe_of(python="3.13.5", soabi="cpython-313t-aarch64-linux-gnu")
