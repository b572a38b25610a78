"""The yardstick is the shortest of several times for the same work."""

import itertools
import time

import pytest

from edgeproof_agent.machine import yardstick


def test_the_shortest_of_all_rounds_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([50, 20, 90, 30, 70, 60, 40, 80, 25, 21])
    clock = itertools.chain.from_iterable((1000, 1000 + ns) for ns in taken)
    monkeypatch.setattr(time, "monotonic_ns", lambda: next(clock))
    assert yardstick.yardstick_ns() == 20
    assert next(clock, None) is None


def test_the_work_is_the_same_each_time() -> None:
    assert yardstick._work() == yardstick._work() == 20_000 // 8 * 28
