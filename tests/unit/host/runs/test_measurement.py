"""A bench as it grows: warm-up until blocks agree, further runs as they are wanted, and what is kept of a failure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.errors import AgentDiedError
from edgeproof.record.board import BoardState
from edgeproof.record.detections import BenchResult, SampleBlock
from edgeproof.record.run import Run
from edgeproof.runs.measurement import measure
from edgeproof.runs.plan import BenchPlan
from edgeproof.verify.latency import latency_of
from edgeproof.wording.progress import silent
from tests.support import sample_report as sample

MS = 1_000_000


class Session:
    """Takes one sample of each of `times_ms` in their order, the last again and again; dies at the sample `dies_at`."""

    def __init__(self, times_ms: Sequence[int], dies_at: int | None = None) -> None:
        self._times = list(times_ms)
        self._dies_at = dies_at
        self._taken = 0
        self.asked: list[tuple[int, int]] = []
        self.rested: list[float] = []
        self.temperatures: list[float] = []
        self.looks = 0

    def bench(
        self,
        picture: bytes,
        runs: int,
        warmup_runs: int,
        max_seconds: float,
        on_block: Callable[[SampleBlock], None] = lambda _: None,
        yardstick: bool = False,
        idle_seconds: float = 0.0,
    ) -> BenchResult:
        self.rested.append(idle_seconds)
        self.asked.append((runs, warmup_runs))
        before = self._state()
        for _ in range(warmup_runs):
            self._sample()
        samples: list[int] = []
        for _ in range(runs):
            if self._taken == self._dies_at:
                if samples:
                    on_block(self._block(samples))
                raise AgentDiedError("the agent on pi died")
            samples.append(self._sample())
        on_block(self._block(samples))
        return BenchResult(self._block(samples), warmup_runs, before, self._state())

    def state(self) -> BoardState:
        self.looks += 1
        return BoardState(temperature_celsius=self.temperatures.pop(0) if self.temperatures else None)

    def _state(self) -> BoardState:
        return sample.state(own_cpu_seconds=float(self._taken))

    def _sample(self) -> int:
        self._taken += 1
        return self._times[min(self._taken, len(self._times)) - 1] * MS

    def _block(self, samples: list[int]) -> dict[str, np.ndarray]:
        values = np.array(samples, np.int64)
        return {"invoke": values, "total": values}


def results(session: Session, plan: BenchPlan, died: list[AgentDiedError] | None = None) -> list[BenchResult]:
    found = []
    try:
        for result in measure(cast(AgentSession, session), plan, _run_of, silent):
            found.append(result)
    except AgentDiedError as error:
        assert died is not None
        died.append(error)
    return found


def _run_of(bench: BenchResult) -> Run:
    return replace(sample.run(), latency=latency_of(bench))


def test_without_more_a_bench_is_the_runs_that_were_asked_for() -> None:
    session = Session([10])
    (result,) = results(session, BenchPlan(b"", 20, 3))
    assert session.asked == [(20, 3)]
    assert (result.runs, result.warmup_runs) == (20, 3)


def test_warm_up_ends_when_two_blocks_agree_and_is_not_kept() -> None:
    session = Session([30] * 5 + [30] * 10 + [20] * 10 + [15] * 10 + [15] * 10 + [7])
    (result,) = results(session, BenchPlan(b"", 20, 5, settle=True))
    assert session.asked == [(10, 5), (10, 0), (10, 0), (10, 0), (20, 0)]
    assert result.warmup_runs == 45
    assert set(result.samples_ns["total"].tolist()) == {7 * MS}


def test_warm_up_ends_when_its_share_of_the_time_is_over() -> None:
    session = Session(range(1, 1000))
    (result,) = results(session, BenchPlan(b"", 20, 0, max_seconds=0.0, settle=True))
    assert session.asked == [(10, 0), (20, 0)]
    assert result.warmup_runs == 10


def test_warm_up_of_a_board_that_never_settles_ends() -> None:
    session = Session([value for block in range(100) for value in [10 + 10 * (block % 2)] * 10])
    (result,) = results(session, BenchPlan(b"", 20, 0, settle=True))
    assert result.warmup_runs == 300


def test_further_runs_are_added_as_they_are_wanted() -> None:
    told: list[int] = []

    def further(run: Run) -> int:
        assert run.latency is not None
        told.append(run.latency.runs)
        return 30 if len(told) < 3 else 0

    session = Session(range(1, 1000))
    found = results(session, BenchPlan(b"", 20, 4, idle_seconds=5.0, further_runs=further))
    assert told == [20, 50, 80]
    assert [result.runs for result in found] == [20, 50, 80]
    assert session.asked == [(20, 4), (30, 0), (30, 0)]
    assert session.rested == [5.0, 0.0, 0.0], "the board rests ahead of the first alone"
    last = found[-1]
    assert last.samples_ns["total"].tolist() == [value * MS for value in range(5, 85)]
    assert last.before is not None
    assert last.after is not None
    assert (last.before.own_cpu_seconds, last.after.own_cpu_seconds) == (0.0, 84.0)
    assert last.warmup_runs == 4


def test_a_bench_is_not_extended_for_ever_nor_beyond_its_time() -> None:
    session = Session([10])
    assert len(results(session, BenchPlan(b"", 20, 0, further_runs=lambda _: 1))) == 5
    timed = Session([10])
    assert len(results(timed, BenchPlan(b"", 20, 0, max_seconds=0.0, further_runs=lambda _: 1))) == 1


@pytest.mark.parametrize(("dies_at", "kept"), [(12, 12), (35, 35)])
def test_what_had_arrived_comes_before_the_error(dies_at: int, kept: int) -> None:
    died: list[AgentDiedError] = []
    session = Session([10], dies_at=dies_at)
    found = results(session, BenchPlan(b"", 20, 0, further_runs=lambda _: 30), died)
    assert [str(error) for error in died] == ["the agent on pi died"]
    assert found[-1].runs == kept
    assert found[-1].after is None


def test_nothing_is_kept_where_nothing_arrived() -> None:
    died: list[AgentDiedError] = []
    assert results(Session([10], dies_at=0), BenchPlan(b"", 20, 0), died) == []
    assert died


@pytest.mark.parametrize(
    ("temperatures", "seconds", "naps"),
    [
        ([82.0, 60.0, 59.9, 80.0], 100.0, [5.0, 5.0]),
        ([82.0] * 9, 12.0, [5.0, 5.0, 2.0]),
        ([59.0], 100.0, []),
        ([], 100.0, []),  # it does not tell
        ([82.0], 0.0, []),
    ],
)
def test_a_hot_board_is_waited_for_and_no_longer_than_allowed(
    temperatures: list[float], seconds: float, naps: list[float]
) -> None:
    session = Session([10])
    slept: list[float] = []
    session.temperatures = temperatures
    plan = BenchPlan(b"", 20, 0, cool_down_seconds=seconds)
    (result,) = measure(cast(AgentSession, session), plan, _run_of, silent, slept.append)
    assert slept == naps
    assert result.runs == 20


def test_a_board_is_not_even_asked_where_nobody_wants_to_wait() -> None:
    session = Session([10])
    results(session, BenchPlan(b"", 20, 0))
    assert session.looks == 0
