"""What in a board's state voids a measurement, and what does not."""

from dataclasses import replace

import pytest

from edgeproof.record.board import BoardState
from edgeproof.record.measured.board_sample import BoardSample, ClusterSample
from edgeproof.verify.state import others_cpus, void_reasons

BEFORE = BoardState(
    temperature_celsius=55.0,
    clock_mhz=1500.0,
    governor="performance",
    throttled_bits=0,
    load_1min=1.0,
    busy_cpu_seconds=1000.0,
    own_cpu_seconds=10.0,
    uptime_seconds=500.0,
    cpus_allowed=4,
    clocks_mhz=(1500.0, 2400.0),
)
# Ten seconds later, in which the agent kept four CPUs busy and the system took a little.
AFTER = replace(BEFORE, temperature_celsius=68.0, busy_cpu_seconds=1040.5, own_cpu_seconds=50.0, uptime_seconds=510.0)


def test_a_quiet_board_voids_nothing() -> None:
    assert void_reasons(BEFORE, AFTER, threads=4) == []
    assert others_cpus(BEFORE, AFTER) == pytest.approx(0.05)


def test_a_board_that_tells_nothing_is_not_held_against() -> None:
    assert void_reasons(BoardState(), BoardState(), threads=4) == []


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"throttled_bits": 0x4}, {}, "the board reports: throttled"),
        ({}, {"throttled_bits": 0x1}, "the board reports: under-voltage"),
        ({}, {"throttled_bits": 0x80000}, "the board reports: soft temperature limit"),
        ({}, {"clocks_mhz": (1500.0, 2200.0)}, "the clock changed from 2400 to 2200 MHz under load"),
        ({"clocks_mhz": ()}, {"clocks_mhz": (), "clock_mhz": 1000.0}, "the clock changed from 1500 to 1000 MHz"),
        ({"temperature_celsius": 75.0}, {}, "the board was too hot as it began: 75 °C"),
        ({}, {"busy_cpu_seconds": 1044.0}, "other processes took 0.4 CPUs of the board meanwhile"),
        ({"cpus_allowed": 2}, {}, "the agent may use 2 of the board's CPUs, and the model ran on 4 threads"),
        ({}, {"cpus_allowed": 3}, "the agent may use 3 of the board's CPUs"),
    ],
)
def test_what_disturbs_voids_and_is_said(before: dict[str, object], after: dict[str, object], reason: str) -> None:
    (said,) = void_reasons(replace(BEFORE, **before), replace(AFTER, **after), threads=4)  # type: ignore[arg-type]
    assert said.startswith(reason)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"throttled_bits": 0x40000}, {"throttled_bits": 0x40000}),  # long ago
        ({}, {"clocks_mhz": (1500.0, 2300.0)}),
        ({"temperature_celsius": 74.9}, {"temperature_celsius": 84.0}),
        ({}, {"busy_cpu_seconds": 1042.9}),
        ({}, {"clocks_mhz": (1500.0,)}),  # a cluster went to sleep
    ],
)
def test_what_does_not_disturb_does_not_void(before: dict[str, object], after: dict[str, object]) -> None:
    assert void_reasons(replace(BEFORE, **before), replace(AFTER, **after), threads=4) == []  # type: ignore[arg-type]


def test_a_run_too_short_for_the_kernels_count_does_not_speak_of_others() -> None:
    assert others_cpus(BEFORE, replace(AFTER, uptime_seconds=500.4, busy_cpu_seconds=1090.0)) is None


def test_a_measurement_that_was_cut_short_is_void() -> None:
    assert void_reasons(BEFORE, None) == ["the board's state was not told for the whole of it: it was cut short"]


BLIND = replace(BEFORE, clock_mhz=None, clocks_mhz=(), yardstick_ns=1_000_000)


@pytest.mark.parametrize(
    ("taken_ns", "void"), [(1_000_000, False), (1_100_000, False), (1_200_000, True), (800_000, True)]
)
def test_a_fixed_piece_of_work_stands_in_for_clocks_that_are_not_told(taken_ns: int, void: bool) -> None:
    after = replace(AFTER, clock_mhz=None, clocks_mhz=(), yardstick_ns=taken_ns)
    reasons = void_reasons(BLIND, after, threads=4)
    assert [reason.startswith("a fixed piece of work took ") for reason in reasons] == [True] * void


def test_the_fixed_piece_of_work_is_told_as_slower() -> None:
    after = replace(AFTER, clock_mhz=None, clocks_mhz=(), yardstick_ns=1_500_000)
    assert void_reasons(BLIND, after) == ["a fixed piece of work took 1.50 times as long at its end as at its start"]


def test_where_clocks_are_told_they_decide() -> None:
    slow = replace(AFTER, yardstick_ns=2_000_000)
    assert void_reasons(replace(BEFORE, yardstick_ns=1_000_000), slow, threads=4) == []


def moments(*states: dict[str, float]) -> list[BoardSample]:
    """Of one cluster, a sample a second."""
    return [
        BoardSample(
            float(second),
            clusters=(
                ClusterSample(0, 1800.0, 1800.0, 0.1),
                ClusterSample(4, state.get("clock_mhz"), state.get("limit_mhz"), state.get("busy")),
            ),
        )
        for second, state in enumerate(states)
    ]


FAST, SLOW = {"clock_mhz": 2400.0, "busy": 1.0}, {"clock_mhz": 1608.0, "busy": 1.0}


def test_a_big_cluster_that_was_slowed_down_in_between_voids_though_both_ends_are_alike() -> None:
    timeline = moments(*[FAST] * 5, *[SLOW] * 3, *[FAST] * 5)
    assert void_reasons(BEFORE, AFTER, threads=4) == []
    assert void_reasons(BEFORE, AFTER, 4, timeline) == [
        "the CPUs from 4 on ran at 1608 instead of 2400 MHz in 3 of 13 samples"
    ]


def test_a_limit_that_the_cooling_has_set_voids_too() -> None:
    limits = [{"limit_mhz": 2400.0, "busy": 0.9}] * 6 + [{"limit_mhz": 2208.0, "busy": 0.9}] * 2
    assert void_reasons(BEFORE, AFTER, 4, moments(*limits)) == [
        "the CPUs from 4 on were limited to 2208 instead of 2400 MHz in 2 of 8 samples"
    ]


@pytest.mark.parametrize(
    "states",
    [
        [FAST] * 9 + [SLOW],  # a moment
        [FAST] * 30 + [SLOW] * 2,  # less than a tenth
        [FAST] * 5 + [{**SLOW, "busy": 0.3}] * 5,  # it had nothing to do
        [{"limit_mhz": 2400.0, "busy": 0.2}] * 5 + [{"limit_mhz": 1000.0, "busy": 0.2}] * 5,
        [{"clock_mhz": 2400.0}] * 5 + [{"clock_mhz": 408.0}] * 5,  # how busy it was is not told
        [{"clock_mhz": 2400.0 + 80 * (second % 3), "busy": 1.0} for second in range(30)],  # turbo
        [{"clock_mhz": 3200.0, "busy": 1.0}] + [FAST] * 20,  # a moment's turbo is not what is usual
        [SLOW, FAST],
        [],
    ],
)
def test_clocks_that_are_no_slowing_down_void_nothing(states: list[dict[str, float]]) -> None:
    assert void_reasons(BEFORE, AFTER, 4, moments(*states)) == []


def test_throttling_that_has_come_and_gone_between_both_ends_voids() -> None:
    """The firmware's bit of what has happened since boot may have been set before."""
    timeline = [BoardSample(0.0, throttled_bits=0x40000), BoardSample(1.0, throttled_bits=0x40004)]
    before, after = (replace(state, throttled_bits=0x40000) for state in (BEFORE, AFTER))
    assert void_reasons(before, after, 4) == []
    assert void_reasons(before, after, 4, timeline) == ["the board reports: throttled"]


def test_a_clock_that_heat_holds_down_from_start_to_end_voids_a_measurement() -> None:
    held = BoardState(clocks_mhz=(1800.0, 1200.0), cooling_state=2)
    assert void_reasons(held, held) == ["the kernel held a CPU's clock down because of heat"]
    free = BoardState(clocks_mhz=(1800.0, 1200.0), cooling_state=0)
    assert void_reasons(free, free) == []
    assert void_reasons(free, held) == ["the kernel held a CPU's clock down because of heat"]
