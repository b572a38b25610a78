"""A step that lasts longer than its deadline is told to the host, and ends the process."""

import math
import threading
import time
from typing import Any

import pytest

from edgeproof_agent.serve.watchdog import DEADLINE_STATUS, GRACE_SECONDS, Watchdog


class FakeExchange:
    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def send_error(self, kind: str, message: str) -> None:
        self.errors.append((kind, message))


def watchdog(ended: threading.Event, alarms: list[float]) -> tuple[Watchdog, list[int]]:
    statuses: list[int] = []

    def end(status: int) -> None:
        statuses.append(status)
        ended.set()

    return Watchdog(end, alarms.append), statuses


def test_a_step_that_does_not_end_is_told_and_ends_the_process() -> None:
    ended, alarms = threading.Event(), list[float]()
    dog, statuses = watchdog(ended, alarms)
    exchange: Any = FakeExchange()
    with dog.limit(exchange, 0.01, "the first inference"):
        assert ended.wait(20)
    assert statuses == [DEADLINE_STATUS]
    assert exchange.errors == [("deadline", "the model did not finish the first inference within 0.01 s")]


def test_steps_that_end_in_time_leave_nothing_behind() -> None:
    ended, alarms = threading.Event(), list[float]()
    dog, statuses = watchdog(ended, alarms)
    exchange: Any = FakeExchange()
    for _ in range(50):
        with dog.limit(exchange, 3600, "it"):
            pass
    assert alarms == [3600 + GRACE_SECONDS, 0] * 50
    assert (statuses, exchange.errors) == ([], [])


def test_a_shorter_deadline_after_a_longer_one_is_kept() -> None:
    ended, alarms = threading.Event(), list[float]()
    dog, statuses = watchdog(ended, alarms)
    exchange: Any = FakeExchange()
    with dog.limit(exchange, 3600, "loading"):
        while math.isinf(dog._wakes_at):  # until its thread sleeps for that hour
            time.sleep(0.001)
    with dog.limit(exchange, 0.01, "an inference"):
        assert ended.wait(20)
    assert statuses == [DEADLINE_STATUS]


def test_an_error_of_the_step_calls_the_alarm_off() -> None:
    ended, alarms = threading.Event(), list[float]()
    dog, _ = watchdog(ended, alarms)
    exchange: Any = FakeExchange()
    with pytest.raises(ValueError, match="broken"), dog.limit(exchange, 3600, "it"):
        raise ValueError("broken")
    assert alarms[-1] == 0
