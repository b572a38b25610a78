"""What a board is, made out of the raw texts of a probe."""

from typing import Any

import pytest

from edgeproof.board.facts import BoardFacts, glibc_version, os_name, parse_facts, python_version, userland_arch
from edgeproof_agent.wire.fields import FieldError, Fields
from tests.support.boards import profiles as boards


def test_the_share_of_a_login_is_told_where_the_probe_tells_it() -> None:
    older = facts_of(boards.PI_5_TRIXIE)
    assert (older.cpus_allowed, older.cpu_quota, older.big_cpus) == (None, None, 0)
    share = {"cpus_allowed": 2, "cpu_quota": 1.5, "big_cpus": 1, "memory_free_bytes": 512 << 20}
    facts = facts_of({**boards.PI_5_TRIXIE, **share})
    assert (facts.cpus_allowed, facts.cpu_quota, facts.big_cpus, facts.memory_available_mib) == (2, 1.5, 1, 512.0)
    nothing = facts_of({**boards.PI_5_TRIXIE, "cpu_quota": None, "memory_free_bytes": None})
    assert nothing.memory_available_mib == older.memory_available_mib


def facts_of(probe: dict[str, Any]) -> BoardFacts:
    return parse_facts(Fields(probe))


@pytest.mark.parametrize(
    ("probe", "machine", "os", "arch", "python", "glibc", "memory_mib"),
    [
        (
            boards.PI_3_BULLSEYE,
            "Raspberry Pi 3 Model B Plus Rev 1.3",
            "Debian GNU/Linux 11 (bullseye)",
            "aarch64",
            (3, 9, 2),
            (2, 31),
            909,
        ),
        (
            boards.PI_4_BOOKWORM,
            "Raspberry Pi 4 Model B Rev 1.4",
            "Debian GNU/Linux 12 (bookworm)",
            "aarch64",
            (3, 11, 2),
            (2, 36),
            3793,
        ),
        (
            boards.PI_5_TRIXIE,
            "Raspberry Pi 5 Model B Rev 1.0",
            "Debian GNU/Linux 13 (trixie)",
            "aarch64",
            (3, 13, 5),
            (2, 41),
            8063,
        ),
        (
            boards.PI_ZERO_2_BOOKWORM,
            "Raspberry Pi Zero 2 W Rev 1.0",
            "Debian GNU/Linux 12 (bookworm)",
            "aarch64",
            (3, 11, 2),
            (2, 36),
            416,
        ),
        (
            boards.PI_4_RASPBIAN_32_BIT,
            "Raspberry Pi 4 Model B Rev 1.4",
            "Raspbian GNU/Linux 11 (bullseye)",
            "armv7l",
            (3, 9, 2),
            (2, 31),
            3793,
        ),
        (
            boards.DESKTOP,
            "11th Gen Intel(R) Core(TM) i7 @ 2.80GHz",
            "Ubuntu 24.04.1 LTS",
            "x86_64",
            (3, 12, 3),
            (2, 39),
            3793,
        ),
        (boards.ALPINE, "aarch64", "Alpine Linux v3.20", "aarch64", (3, 12, 7), None, 3793),
        (
            boards.PI_ZERO_ARMV6,
            "Raspberry Pi Zero W Rev 1.1",
            "Raspbian GNU/Linux 11 (bullseye)",
            "armv6l",
            (3, 11, 2),
            (2, 36),
            3793,
        ),
    ],
    ids=["pi3", "pi4", "pi5", "zero2", "pi4-32bit", "desktop", "alpine", "zero"],
)
def test_a_board_is_recognised(
    probe: dict[str, Any],
    machine: str,
    os: str,
    arch: str,
    python: tuple[int, int, int],
    glibc: tuple[int, int] | None,
    memory_mib: int,
) -> None:
    facts = facts_of(probe)
    assert (facts.machine, facts.os, facts.arch) == (machine, os, arch)
    assert (facts.python, facts.glibc, int(facts.memory_mib)) == (python, glibc, memory_mib)
    assert facts.disk_free_mib == 20480


def test_a_report_is_told_the_facts_and_whether_the_cpu_is_emulated() -> None:
    info = facts_of(boards.PI_5_TRIXIE).info("pi5")
    assert (info.name, info.python, info.arch, info.cpu_count, info.emulated) == ("pi5", "3.13.5", "aarch64", 4, False)
    assert facts_of(boards.EMULATED).info("virtual").emulated


@pytest.mark.parametrize(
    ("machine", "pointer_bits", "arch"),
    [
        ("aarch64", 64, "aarch64"),
        ("aarch64", 32, "armv7l"),
        ("arm64", 64, "aarch64"),
        ("armv7l", 32, "armv7l"),
        ("armv8l", 32, "armv7l"),
        ("armv6l", 32, "armv6l"),
        ("x86_64", 64, "x86_64"),
        ("AMD64", 64, "x86_64"),
        ("x86_64", 32, "i686"),
        ("riscv64", 64, "riscv64"),
    ],
)
def test_the_architecture_is_that_of_the_userland(machine: str, pointer_bits: int, arch: str) -> None:
    assert userland_arch(machine, pointer_bits) == arch


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('NAME=x\nPRETTY_NAME="A B"\n', "A B"),
        ("PRETTY_NAME='A B'", "A B"),
        ("PRETTY_NAME=A\n", "A"),
        ('PRETTY_NAME="unfinished', '"unfinished'),
        ("NAME=x\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_system_is_named_by_its_pretty_name(text: str, name: str) -> None:
    assert os_name(text) == name


@pytest.mark.parametrize(
    ("text", "version"),
    [("3.11.2", (3, 11, 2)), ("3.13.0rc1", (3, 13, 0)), ("3.9.2+", (3, 9, 2)), ("3.14", (3, 14, 0)), ("", (0, 0, 0))],
)
def test_the_version_of_python_is_three_numbers(text: str, version: tuple[int, int, int]) -> None:
    assert python_version(text) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("glibc 2.36", (2, 36)),
        ("glibc 2.31.1", (2, 31)),
        ("", None),
        ("musl 1.2", None),
        ("glibc", None),
        ("glibc 2.99999999999999999", None),
        ("glibc ²²", None),
    ],
)
def test_the_version_of_glibc_is_two_numbers_or_none(text: str, version: tuple[int, int] | None) -> None:
    assert glibc_version(text) == version


@pytest.mark.parametrize("meminfo", ["", "MemTotal:\n", "MemTotal: \n", "MemTotal: ² kB", "MemTotal: " + "9" * 60000])
def test_a_memory_that_is_not_told_is_zero(meminfo: str) -> None:
    assert facts_of(boards.probe_of(meminfo=meminfo)).memory_mib == 0.0


def test_what_a_board_says_of_itself_cannot_steer_a_terminal() -> None:
    facts = facts_of(
        boards.probe_of(model="Pi\x1b]0;owned\x07\n\x9b2J 4", os_release="PRETTY_NAME='" + "x" * 9999 + "'")
    )
    assert facts.machine == "Pi]0;owned 2J 4"
    assert len(facts.os) == 200


@pytest.mark.parametrize("name", ["machine", "pointer_bits", "python", "python_executable", "kernel", "cpu_count"])
def test_a_probe_that_lacks_something_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(FieldError, match=f"{name} is missing"):
        facts_of(boards.probe_of(**{name: None}))
