"""What the agent may take follows from what the kernel and the control groups leave free."""

import resource
from pathlib import Path

import pytest

from edgeproof_agent.machine.memory_limit import LEAST_BYTES, RESERVE_BYTES, allowance, free_bytes, limit_memory

GIB = 1 << 30


def written(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    written(tmp_path, "proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable:    1048576 kB\n")
    return tmp_path


def test_without_groups_it_is_what_the_kernel_has_available(root: Path) -> None:
    assert free_bytes(root) == GIB


def test_a_group_of_version_2_and_those_above_it_bound_it(root: Path) -> None:
    written(root, "proc/self/cgroup", "0::/user/app\n")
    written(root, "sys/fs/cgroup/user/memory.max", "400000000\n")
    written(root, "sys/fs/cgroup/user/memory.current", "300000000\n")
    written(root, "sys/fs/cgroup/user/memory.stat", "anon 1\ninactive_file 50000000\n")
    written(root, "sys/fs/cgroup/user/app/memory.max", "max\n")
    written(root, "sys/fs/cgroup/user/app/memory.current", "1\n")
    assert free_bytes(root) == 150_000_000


def test_a_group_of_version_1_bounds_it(root: Path) -> None:
    written(root, "proc/self/cgroup", "4:cpu:/\n3:memory:/box\n")
    written(root, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", "200000000\n")
    written(root, "sys/fs/cgroup/memory/box/memory.usage_in_bytes", "250000000\n")
    assert free_bytes(root) == 0


def test_what_is_not_told_is_none(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) is None
    written(tmp_path, "proc/meminfo", "MemAvailable: many kB\n")
    assert free_bytes(tmp_path) is None


def test_a_reserve_stays_free() -> None:
    assert allowance(8 * GIB) == 8 * GIB - int(0.8 * GIB)
    assert allowance(300 << 20) == (300 << 20) - RESERVE_BYTES
    assert allowance(0) == LEAST_BYTES


UNLIMITED = resource.RLIM_INFINITY
MAY_TAKE = allowance(GIB)
USED = 100 << 20


@pytest.mark.parametrize(
    ("before", "limit"),
    [
        ((UNLIMITED, UNLIMITED), USED + MAY_TAKE),
        ((300 << 20, UNLIMITED), 300 << 20),
        ((UNLIMITED, 200 << 20), 200 << 20),
        ((2 * GIB, 2 * GIB), USED + MAY_TAKE),
    ],
)
def test_a_stricter_limit_of_the_users_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], limit: int
) -> None:
    written(root, "proc/self/status", f"Name:\tpython\nVmData:\t  {USED >> 10} kB\n")
    written(root, "proc/self/oom_score_adj", "0\n")
    set_limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: before)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: set_limits.append((kind, limits)))
    assert limit_memory(root) == limit - USED
    assert set_limits == [(resource.RLIMIT_DATA, (limit, before[1]))]
    assert (root / "proc/self/oom_score_adj").read_text() == "1000", "the first to go when memory ends all the same"
