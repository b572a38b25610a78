"""What two runs measured in turns say of each other, and what voids it."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.record.board import BoardState
from edgeproof.record.detections import BenchResult
from edgeproof.record.run import Run
from edgeproof.runs.comparison import _whole
from edgeproof.verify.comparison import comparison_of
from edgeproof.verify.latency import latency_of
from tests.support import sample_report as sample
from tests.support.simulated_runs import simulated_ns

MS = 1_000_000


def run_of(invoke_ns: np.ndarray, decode_ns: np.ndarray, after: BoardState | None = None) -> Run:
    samples = {"decode": decode_ns, "invoke": invoke_ns, "total": invoke_ns + decode_ns}
    bench = BenchResult(samples, 10, sample.state(), after or sample.state(own_cpu_seconds=20.0))
    return replace(sample.run(), latency=latency_of(bench))


def times(base_ms: float, seed: int) -> np.ndarray:
    return simulated_ns(np.random.default_rng(seed), 200, base_ms=base_ms)


A = run_of(times(20, 1), times(5, 2))


def test_each_stage_has_its_ratio_and_the_deciding_one_is_named() -> None:
    found = comparison_of(A, run_of(times(10, 3), times(5, 4)), 20, 10)
    assert (found.pairs, found.block_runs, found.void) == (20, 10, ())
    assert found.stages["invoke"].ratio == pytest.approx(0.5, rel=0.02)
    assert found.stages["invoke"].low < 0.5 < found.stages["invoke"].high
    assert found.stages["invoke"].difference_ms == pytest.approx(-10, abs=0.3)
    assert found.stages["total"].ratio == pytest.approx(0.6, rel=0.02)
    assert not found.stages["decode"].told_apart
    assert found.deciding_stage == "invoke"


def test_the_deciding_stage_goes_the_way_of_the_total() -> None:
    """Decoding got slower by more than any stage got faster, but for the one that made the total faster."""
    found = comparison_of(A, run_of(times(10, 3), times(14, 4)), 20, 10)
    assert found.stages["decode"].difference_ms == pytest.approx(9, abs=0.3)
    assert found.deciding_stage == "invoke"


def test_the_whole_is_no_stage_that_decides() -> None:
    found = comparison_of(A, run_of(times(25, 3), times(7, 4)), 20, 10)
    assert found.stages["total"].difference_ms > found.stages["invoke"].difference_ms
    assert found.deciding_stage == "invoke"


def test_the_same_twice_is_not_told_apart() -> None:
    found = comparison_of(A, run_of(times(20, 5), times(5, 6)), 20, 10)
    assert not found.stages["total"].told_apart


def test_a_stage_too_short_for_the_clock_is_left_out() -> None:
    found = comparison_of(A, run_of(times(10, 3), np.zeros(200, np.int64)), 20, 10)
    assert set(found.stages) == {"invoke", "total"}


def test_what_disturbed_either_of_them_voids_it() -> None:
    throttled = replace(sample.state(own_cpu_seconds=20.0), throttled_bits=4)
    found = comparison_of(A, run_of(times(20, 3), times(5, 4), throttled), 20, 10)
    assert found.void == ("the board reports: throttled",)


def test_states_of_a_run_pass_the_time_of_its_own_blocks_alone() -> None:
    """Ten seconds of its own in two blocks; in between the other one was busy for a hundred."""

    def block(start: float) -> BenchResult:
        before = BoardState(busy_cpu_seconds=start, own_cpu_seconds=start / 2, uptime_seconds=start)
        after = BoardState(busy_cpu_seconds=start + 5, own_cpu_seconds=start / 2 + 4.5, uptime_seconds=start + 5)
        return BenchResult({"invoke": np.array([1, 2], np.int64)}, 0, before, after)

    whole = _whole([block(1000.0), block(1105.0)])
    assert whole.before is not None
    assert whole.after is not None
    assert whole.before.uptime_seconds == 1000.0
    assert whole.after.uptime_seconds == 1010.0
    assert whole.after.busy_cpu_seconds == 1010.0
    assert whole.after.own_cpu_seconds == 509.0
    assert whole.samples_ns["invoke"].tolist() == [1, 2, 1, 2]


def test_what_a_board_does_not_tell_stays_untold() -> None:
    bench = BenchResult({"invoke": np.array([1], np.int64)}, 0, BoardState(), BoardState(temperature_celsius=50.0))
    after = _whole([bench, bench]).after
    assert after is not None
    assert (after.uptime_seconds, after.temperature_celsius) == (None, 50.0)
