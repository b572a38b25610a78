"""How many threads an interpreter gets when nobody says so."""

import os

import pytest

from edgeproof_agent.detection.interpreters import default_threads


@pytest.mark.parametrize(("allowed", "threads"), [({2}, 1), ({0, 3}, 2), (set(range(4)), 4), (set(range(64)), 4)])
def test_threads_are_as_many_as_the_cpus_that_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch, allowed: set[int], threads: int
) -> None:
    """A container or taskset gives it fewer than the machine has: more threads would wait for each other."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    assert default_threads() == threads
