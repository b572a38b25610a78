"""What the agent may take follows from what the kernel and the control groups leave free."""

from pathlib import Path

import pytest

from edgeproof_agent.machine.memory_limit import LEAST_BYTES, RESERVE_BYTES, allowance, free_bytes

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
