"""The bench runs as often as it is told, and its samples are those after the warm-up."""

import time
from typing import Any

import pytest

from edgeproof_agent.detection.arrays import unpack_arrays
from edgeproof_agent.pipeline.bench import bench
from edgeproof_agent.wire.fields import Fields


class Events:
    """Takes the place of an exchange, and keeps what is sent."""

    def __init__(self) -> None:
        self.blocks: list[list[int]] = []

    def send_event(self, name: str, body: dict[str, Any], payload: bytes) -> None:
        assert name == "block"
        arrays = unpack_arrays(Fields(body), payload)
        self.blocks.append(arrays["invoke"].tolist() if arrays else [])


class Clock:
    """A clock on which every run takes `run_ns`; run number n tells n ns for its inference."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, run_ns: int) -> None:
        self.now = 0
        self.runs = 0
        self._run_ns = run_ns
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now)

    def run(self) -> dict[str, int]:
        self.runs += 1
        self.now += self._run_ns
        return {"invoke": self.runs}

    def state(self) -> dict[str, Any]:
        return {"runs": self.runs}


@pytest.fixture
def events() -> Any:
    return Events()


def test_the_warm_up_runs_and_is_not_measured(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    clock = Clock(monkeypatch, 1000)
    states = bench(events, clock.run, state=clock.state, runs=5, warmup_runs=3, max_seconds=1.0)
    assert states == ({"runs": 3}, {"runs": 8}), "of what is measured alone"
    assert clock.runs == 8
    assert events.blocks == [[4, 5, 6, 7, 8]]


def test_one_run_is_measured_however_short_the_time(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    clock = Clock(monkeypatch, 1000)
    bench(events, clock.run, state=clock.state, runs=5, warmup_runs=3, max_seconds=0.0)
    assert clock.runs == 4
    assert events.blocks == [[4]]


def test_the_time_ends_the_bench_with_what_was_measured(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    clock = Clock(monkeypatch, 1_000_000)
    bench(events, clock.run, state=clock.state, runs=1000, warmup_runs=0, max_seconds=0.01)
    assert events.blocks == [list(range(1, 11))]


def test_samples_travel_about_twice_a_second(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    clock = Clock(monkeypatch, 200_000_000)
    bench(events, clock.run, state=clock.state, runs=7, warmup_runs=0, max_seconds=60.0)
    assert events.blocks == [[1, 2, 3], [4, 5, 6], [7]]
