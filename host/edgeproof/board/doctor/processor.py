"""How fast the board can be now: architecture, cores, clocks, throttling, heat."""

from collections.abc import Iterator

from edgeproof.board.doctor.core_names import cores
from edgeproof.board.doctor.examination import Examination
from edgeproof.board.doctor.finding import Finding, bad, good, not_available, warning
from edgeproof.board.doctor.readings import (
    Clock,
    clocks,
    cpu_features,
    is_raspberry_pi,
    temperature,
    throttled_bits,
)
from edgeproof.board.facts import BoardFacts, userland_arch
from edgeproof.record.measured.throttling import throttled_now, throttled_since_boot

_WARM_CELSIUS = 70.0
_HOT_CELSIUS = 80.0
"""A Raspberry Pi lowers its clock from 80 degrees on, a 3B+ from 60."""

# Of /proc/cpuinfo (https://docs.kernel.org/arch/arm64/elf_hwcaps.html): what TFLite's kernels make use of.
_ARM_FEATURES = (("NEON", {"asimd", "neon"}), ("fp16 arithmetic", {"asimdhp"}), ("dot product", {"asimddp"}))
_X86_FEATURES = (("AVX2", {"avx2"}), ("FMA", {"fma"}), ("AVX-512 VNNI", {"avx512_vnni"}))

_POWER = (
    "Use the power supply made for this board (5.1 V and 3 A for a Pi 4, 5 A for a Pi 5), a short thick cable, and "
    "fewer USB devices"
)
_COOLING = "Give the board a heat sink or a fan, and air"


def processor(facts: BoardFacts, examination: Examination) -> Iterator[Finding]:
    yield _architecture(facts, examination)
    yield _cpu(facts, examination)
    yield _features(facts, examination)
    yield from _clocks(facts, clocks(examination.cpufreq))
    yield from _throttling(examination)
    yield _temperature(examination)


def _architecture(facts: BoardFacts, examination: Examination) -> Finding:
    kernel = userland_arch(examination.kernel_machine, 64)
    data = {"userland": facts.arch, "kernel": kernel}
    if facts.arch == "armv7l" and kernel == "aarch64":
        return warning(
            "architecture",
            "armv7l: a 32-bit userland on a 64-bit kernel (which calls itself aarch64)",
            "Install the 64-bit system: most runtimes have wheels for it alone, and it runs a model faster",
            **data,
        )
    return good("architecture", facts.arch, **data)


def _cpu(facts: BoardFacts, examination: Examination) -> Finding:
    value = ", ".join(cores(examination.cpuinfo)) or f"{facts.cpu_count} cores"
    value += f", {facts.big_cpus} of them big" if facts.big_cpus else ""
    allowed = facts.cpu_count if facts.cpus_allowed is None else facts.cpus_allowed
    data = {"cores": facts.cpu_count, "allowed": allowed, "quota": facts.cpu_quota, "big": facts.big_cpus}
    limits = [f"{allowed} of {facts.cpu_count} CPUs are open to this login"] * (allowed < facts.cpu_count)
    if facts.cpu_quota is not None and facts.cpu_quota < allowed:
        limits.append(f"control groups leave it {facts.cpu_quota:.2g} CPUs' worth of time")
    if not limits:
        return good("cpu", value, **data)
    remedy = (
        "A figure from here is one of this share: see taskset, AllowedCPUs= and CPUQuota= of systemd, docker --cpus"
    )
    return warning("cpu", f"{value}; {'; '.join(limits)}", remedy, **data)


def _features(facts: BoardFacts, examination: Examination) -> Finding:
    told = cpu_features(examination.cpuinfo)
    table = _X86_FEATURES if facts.arch in ("x86_64", "i686") else _ARM_FEATURES
    if not told:
        return not_available("cpu features")
    has = {name: bool(told & flags) for name, flags in table}
    lacks = [name for name, present in has.items() if not present]
    value = ", ".join(name for name, present in has.items() if present) or "none that a model gains by"
    value += f"; no {', no '.join(lacks)}" if lacks else ""
    data = {name.lower().replace(" ", "_").replace("-", "_"): present for name, present in has.items()}
    if table is _ARM_FEATURES and not has["NEON"]:
        return warning("cpu features", value, "Expect no speed: without NEON every runtime is slow, if it runs", **data)
    return good("cpu features", value, **data)


def _clocks(facts: BoardFacts, found: list[Clock]) -> Iterator[Finding]:
    if not found:
        yield not_available("cpu clock")
    for clock in found:
        name = "cpu clock" if len(found) == 1 else f"clock of cpu {clock.cpus}"
        spans = [mhz for mhz in (clock.minimum_mhz, clock.maximum_mhz) if mhz is not None]
        current = "not told" if clock.current_mhz is None else f"{clock.current_mhz:.0f} MHz now"
        value = f"{clock.governor or 'no governor'}, {current}"
        value += f" of {' to '.join(f'{mhz:.0f}' for mhz in spans)}" if spans else ""
        data = {
            "governor": clock.governor,
            "current_mhz": clock.current_mhz,
            "minimum_mhz": clock.minimum_mhz,
            "maximum_mhz": clock.maximum_mhz,
            "hardware_maximum_mhz": clock.hardware_maximum_mhz,
        }
        if clock.governor == "powersave" and facts.arch not in ("x86_64", "i686"):
            # On x86 the driver that is called so raises the clock all the same.
            yield warning(
                name,
                value,
                "The clock stays at its lowest: echo ondemand | "
                "sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
                **data,
            )
        elif clock.maximum_mhz and clock.hardware_maximum_mhz and clock.maximum_mhz < clock.hardware_maximum_mhz:
            yield warning(
                name,
                f"{value}, though the hardware has {clock.hardware_maximum_mhz:.0f}",
                "Something set a lower limit: write the value of cpuinfo_max_freq to scaling_max_freq, both in "
                "/sys/devices/system/cpu/cpufreq/policy*",
                **data,
            )
        else:
            yield good(name, value, **data)


def _throttling(examination: Examination) -> Iterator[Finding]:
    answer = examination.vcgencmd["get_throttled"]
    bits = throttled_bits(answer, examination.firmware_throttled)
    if bits is None:
        yield _no_throttling(examination)
        return
    now, since = throttled_now(bits), throttled_since_boot(bits)
    if now:
        yield bad("throttling now", ", ".join(now), _throttling_remedy(now), bits=bits)
    else:
        yield good("throttling now", "none", bits=bits)
    if since:
        remedy = "As above" if set(since) <= set(now) else _throttling_remedy(since)
        yield warning("throttling since boot", ", ".join(since), f"{remedy}. A restart clears this line", bits=bits)
    else:
        yield good("throttling since boot", "none", bits=bits)


def _no_throttling(examination: Examination) -> Finding:
    answer = examination.vcgencmd["get_throttled"]
    if answer.outcome == "hung":
        return warning(
            "throttling", "vcgencmd does not answer", "The firmware hangs: restart the board (sudo reboot), update it"
        )
    if answer.outcome == "failed" and "video" not in examination.groups:
        return warning(
            "throttling",
            f"vcgencmd may not ask the firmware: {answer.output}",
            f"sudo usermod -aG video {examination.user}, and connect again",
        )
    if answer.outcome == "absent" and is_raspberry_pi(examination):
        return warning(
            "throttling",
            "vcgencmd is not installed",
            "sudo apt install raspi-utils (bullseye: libraspberrypi-bin), or nobody sees a weak power supply",
        )
    return not_available("throttling")


def _throttling_remedy(causes: list[str]) -> str:
    """The firmware caps the clock or throttles for one of two reasons, and names the one or the other beside it."""
    parts = [_POWER] * ("under-voltage" in causes) + [_COOLING] * ("soft temperature limit" in causes)
    return ". ".join(parts or [_COOLING, _POWER])


def _temperature(examination: Examination) -> Finding:
    read = temperature(examination.thermal, examination.vcgencmd["measure_temp"])
    if read is None:
        return not_available("temperature")
    celsius, where = read
    value, data = f"{celsius:.1f} °C ({where})", {"celsius": celsius}
    if celsius >= _HOT_CELSIUS:
        return bad("temperature", value, f"{_COOLING}: so hot, a board lowers its clock", **data)
    if celsius >= _WARM_CELSIUS:
        return warning("temperature", value, f"{_COOLING}: under load this becomes too hot", **data)
    return good("temperature", value, **data)
