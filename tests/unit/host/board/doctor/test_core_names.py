"""Cores by their MIDR; what no table has is told as unknown."""

import pytest

from edgeproof.board.doctor.core_names import cores


def block(number: int, implementer: str, part: str) -> str:
    return f"processor\t: {number}\nCPU implementer\t: {implementer}\nCPU part\t: {part}\n"


@pytest.mark.parametrize(
    ("implementer", "part", "name"),
    [
        ("0x41", "0xd81", "Cortex-A720"),
        ("0x41", "0xd80", "Cortex-A520"),
        ("0x4e", "0x004", "Carmel"),
        ("0x51", "0x805", "Kryo-4XX-Silver"),
        ("0x41", "0xdff", "unknown Arm core 0xdff"),
        ("0x99", "0x1", "unknown implementer 0x99 core 0x1"),
    ],
)
def test_a_core_has_the_name_that_lscpu_gives_it(implementer: str, part: str, name: str) -> None:
    assert cores("\n".join(block(number, implementer, part) for number in range(2))) == [f"2 x {name}"]


def test_an_old_kernel_tells_what_its_cores_are_once() -> None:
    text = (
        "Processor\t: ARMv7 Processor rev 4 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 38\n\nprocessor\t: 1\nBogoMIPS\t: 38\n\n"
        "Features\t: half thumb\nCPU implementer\t: 0x41\nCPU part\t: 0xc07\n\nHardware\t: sun8i\n"
    )
    assert cores(text) == ["2 x Cortex-A7"]


def test_risc_v_tells_its_microarchitecture_or_its_instruction_set() -> None:
    assert cores("processor\t: 0\nisa\t: rv64imafdc\nuarch\t: sifive,u74-mc\n") == ["1 x sifive,u74-mc"]
    assert cores("processor\t: 0\nisa\t: rv64imafdcv_zicbom_zicboz\nmmu\t: sv39\n") == ["1 x RISC-V rv64imafdcv"]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "processor\t: 0\n", "CPU part\t: 0xd03\n", "processor: x\nCPU part: 0x1\n"]
)
def test_what_says_nothing_has_no_cores(text: str) -> None:
    assert cores(text) == []
