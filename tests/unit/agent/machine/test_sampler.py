"""Sampling beside a measurement: about once a second, bounded, and at a cost that is bounded, too."""

import threading
import time
from typing import Any

import pytest

from edgeproof_agent.machine import sampler
from edgeproof_agent.machine.board_sample import BoardSampler
from edgeproof_agent.machine.sampler import MAX_COST, Series, sampling


def test_samples_come_at_their_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "STATE_SECONDS", 0.1)
    monkeypatch.setattr(sampler, "POWER_SECONDS", 0.02)
    with sampling(lambda: {"load_1min": 1.0}, lambda: 4.0) as found:
        time.sleep(0.35)
    told = found.to_json()
    assert told["timeline"][0] == {"at_seconds": pytest.approx(0.0, abs=0.05), "load_1min": 1.0}
    assert 2 <= len(told["timeline"]) <= 4
    assert 5 <= len(told["watts"]) <= 18
    assert set(told["watts"]) == {4.0}
    assert 0.35 <= told["seconds"] < 2.0


def test_a_dear_reader_is_asked_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the thread says that each sample takes 2 ms of a CPU: one in 0.4 s is what may be spent."""
    spent = [0.0]
    monkeypatch.setattr(sampler, "_cpu_seconds", lambda: spent[0])

    def dear() -> dict[str, Any]:
        spent[0] += 0.002
        return {}

    monkeypatch.setattr(sampler, "STATE_SECONDS", 0.01)
    with sampling(dear) as found:
        time.sleep(0.9)
    assert 2 <= len(found.to_json()["timeline"]) <= 3
    assert found.cpu_seconds / found.seconds <= MAX_COST * 1.5


def test_this_machine_is_sampled_below_half_a_percent_of_a_cpu() -> None:
    with sampling(BoardSampler().sample, lambda: 1.0) as found:
        time.sleep(2.2)
    told = found.to_json()
    assert len(told["timeline"]) >= 2
    assert 0 < told["cpu_share"] < MAX_COST


def test_a_reader_that_fails_ends_nothing() -> None:
    def broken() -> dict[str, Any]:
        raise ZeroDivisionError

    with sampling(broken, lambda: None) as found:
        time.sleep(0.05)
    assert found.to_json()["timeline"] == found.to_json()["watts"] == []
    assert "sampler" not in {thread.name for thread in threading.enumerate()}


def test_an_error_of_the_measurement_ends_the_sampling() -> None:
    with pytest.raises(KeyError), sampling(dict):
        raise KeyError("of the measurement")
    assert "sampler" not in {thread.name for thread in threading.enumerate()}


def test_hours_of_samples_stay_bounded() -> None:
    series = Series(lambda: None, 1.0)
    for second in range(10_000):
        series.add(float(second), second)
    assert len(series.samples) < sampler.MAX_SAMPLES
    assert series.samples[0] == (0.0, 0)
    assert series.period >= 16
    series.add(1e6, None)
    assert series.samples[-1][1] is not None
