"""How many threads an interpreter gets when nobody says so."""

import os
from pathlib import Path

import pytest

from edgeproof_agent.detection.interpreters import default_threads
from tests.support.fake_root import tree


@pytest.mark.parametrize(
    ("allowed", "quota", "threads"),
    [
        ({2}, "max", 1),
        ({0, 3}, "max", 2),
        (set(range(4)), "max", 4),
        (set(range(64)), "max", 4),
        (set(range(64)), "250000", 3),
        (set(range(4)), "50000", 1),
    ],
)
def test_threads_are_as_many_as_the_cpus_that_this_process_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: set[int], quota: str, threads: int
) -> None:
    """A container or taskset gives it fewer than the machine has: more threads would wait for each other."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    root = tree(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{quota} 100000\n"})
    assert default_threads(root) == threads
