"""What is told of an odd board otherwise than of the others."""

from dataclasses import replace

from edgeproof.fleet.oddities import oddities
from edgeproof.record.board import BoardInfo, BoardState, RuntimeInfo
from edgeproof.record.run import BundleFacts, Run

STATE = BoardState(temperature_celsius=50.0, clock_mhz=2400.0, governor="performance", throttled_bits=0)


def board(name: str) -> Run:
    info = BoardInfo(name, "Pi 5", "Debian 12", "aarch64", "3.11.2", memory_mib=4096, cpu_count=4)
    return Run(BundleFacts("m", "int8", "a", 1, "x"), info, RuntimeInfo("ai-edge-litert", "2.1"), after=STATE)


RUNS = {f"b{n}": board(f"b{n}") for n in range(5)}


def test_boards_that_are_alike_have_nothing_to_tell() -> None:
    assert oddities("b1", RUNS) == []


def test_what_differs_is_told() -> None:
    odd = replace(
        RUNS["b1"],
        board=replace(RUNS["b1"].board, os="Debian 13"),
        after=replace(STATE, temperature_celsius=81.0, clock_mhz=1500.0, governor="ondemand", throttled_bits=0x50001),
    )
    assert oddities("b1", {**RUNS, "b1": odd}) == [
        "OS Debian 13, and of most others Debian 12",
        "governor ondemand, and of most others performance",
        "its supply is too low now",
        "its supply was too low since boot",
        "clock 1500 MHz, and of most others 2400 MHz",
        "temperature 81 °C, and of most others 50 °C",
    ]


def test_what_most_have_is_no_oddity_and_what_is_not_known_neither() -> None:
    low = {name: replace(run, after=replace(STATE, throttled_bits=1)) for name, run in RUNS.items()}
    assert oddities("b1", low) == []
    assert oddities("b1", {name: replace(run, after=None) for name, run in RUNS.items()}) == []
