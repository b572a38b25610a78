"""What a board is: the agent's raw probe, made sense of. Pure: text in, facts out."""

import re
import shlex
from dataclasses import dataclass

from edgeproof.record.board import BoardInfo
from edgeproof.wording.printable import printable_line
from edgeproof_agent.wire.fields import Fields

_MAX_TEXT = 65536
_MAX_MODULES = 16
_MAX_CPUS = 4096


@dataclass(frozen=True)
class BoardFacts:
    arch: str
    """Of the userland that Python runs in, which can be 32-bit on a 64-bit kernel: x86_64, aarch64, armv7l."""
    machine: str
    """The board's model as it names itself, or its CPU."""
    os: str
    kernel: str
    python: tuple[int, int, int]
    python_executable: str
    soabi: str
    """For example `cpython-311-aarch64-linux-gnu`; tells a free-threaded Python from a usual one."""
    glibc: tuple[int, int] | None
    """None for another libc."""
    system_modules: frozenset[str]
    """Of NumPy and OpenCV (`numpy`, `cv2`) those that the distribution's packages bring."""
    memory_mib: float
    memory_available_mib: float
    """What can be had without swapping, and what control groups leave of it; 0 when the kernel does not say."""
    disk_free_mib: float
    cpu_count: int
    cpus_allowed: int | None = None
    """That this login may run on."""
    cpu_quota: float | None = None
    """CPUs' worth of time that control groups leave this login; None without a limit."""
    big_cpus: int = 0
    """Of the strongest kind; 0 where all are alike or nothing is told."""

    @property
    def python_version(self) -> str:
        return ".".join(str(number) for number in self.python)

    def info(self, name: str) -> BoardInfo:
        """What a report says of the board."""
        return BoardInfo(
            name=name,
            machine=self.machine,
            os=self.os,
            arch=self.arch,
            python=self.python_version,
            memory_mib=self.memory_mib,
            cpu_count=self.cpu_count,
            emulated="qemu" in self.machine.lower() or "linux,dummy-virt" in self.machine.lower(),
        )


def parse_facts(probe: Fields) -> BoardFacts:
    """Reads what the agent's `probe` returned. Raises `FieldError` for what no probe returns."""
    cpuinfo = colon_lines(probe.text("cpuinfo", max_length=_MAX_TEXT))
    machine = printable_line(probe.text("machine"))
    pointer_bits = probe.integer("pointer_bits", high=128)
    meminfo = colon_lines(probe.text("meminfo", max_length=_MAX_TEXT))
    return BoardFacts(
        arch=userland_arch(machine, pointer_bits),
        machine=printable_line(
            probe.text("model", default="") or cpuinfo.get("model name") or cpuinfo.get("Model") or machine
        ),
        os=printable_line(os_name(probe.text("os_release", max_length=_MAX_TEXT))),
        kernel=printable_line(probe.text("kernel")),
        python=python_version(probe.text("python")),
        python_executable=probe.text("python_executable"),
        soabi=probe.text("soabi", default=""),
        glibc=glibc_version(probe.text("libc", default="")),
        system_modules=frozenset(
            str(name) for name in (probe.items("system_modules", _MAX_MODULES) if "system_modules" in probe else ())
        ),
        memory_mib=_mib(meminfo.get("MemTotal", "")),
        memory_available_mib=probe.integer("memory_free_bytes", high=2**63) / (1 << 20)
        if "memory_free_bytes" in probe
        else _mib(meminfo.get("MemAvailable", "")),
        disk_free_mib=probe.integer("disk_free_bytes", high=2**63) / (1 << 20),
        cpu_count=probe.integer("cpu_count", low=1, high=_MAX_CPUS),
        cpus_allowed=probe.integer("cpus_allowed", low=1, high=_MAX_CPUS) if "cpus_allowed" in probe else None,
        cpu_quota=probe.number("cpu_quota", low=0, high=_MAX_CPUS) if "cpu_quota" in probe else None,
        big_cpus=probe.integer("big_cpus", high=_MAX_CPUS) if "big_cpus" in probe else 0,
    )


def userland_arch(machine: str, pointer_bits: int) -> str:
    """The architecture that wheels are chosen by: a 64-bit kernel names itself even above a 32-bit userland."""
    name = {"arm64": "aarch64", "amd64": "x86_64", "armv8l": "armv7l"}.get(machine.lower(), machine.lower())
    if pointer_bits == 32:
        return {"aarch64": "armv7l", "x86_64": "i686"}.get(name, name)
    return name


def os_name(os_release: str) -> str:
    """`PRETTY_NAME` of an os-release file."""
    for line in os_release.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            try:
                return " ".join(shlex.split(value))
            except ValueError:
                return value.strip()
    return "unknown"


def python_version(text: str) -> tuple[int, int, int]:
    """`3.11.2` or `3.13.0rc1` to numbers; what is missing is 0."""
    numbers = [int(number) for number in re.findall(r"[0-9]{1,4}", text)[:3]]
    major, minor, micro = [*numbers, 0, 0, 0][:3]
    return major, minor, micro


def glibc_version(text: str) -> tuple[int, int] | None:
    """`glibc 2.36` to (2, 36)."""
    match = re.fullmatch(r"glibc ([0-9]{1,2})\.([0-9]{1,3})(\D.*)?", text.strip())
    return (int(match[1]), int(match[2])) if match else None


def _mib(size: str) -> float:
    """`3884772 kB` of /proc/meminfo to MiB; 0 for anything else."""
    number = size.partition(" ")[0]
    return int(number) / 1024 if re.fullmatch(r"[0-9]{1,15}", number) else 0.0


def colon_lines(text: str) -> dict[str, str]:
    """The first value of each `name : value` line."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    return values
