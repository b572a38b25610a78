"""Our share of a machine's CPUs: affinity, quotas of control groups in both versions, big cores from small."""

import os
from pathlib import Path

import pytest

from edgeproof_agent.machine.cpu_share import big_cpus, cpu_list, cpu_quota, read_cpu_share
from tests.support.fake_root import big_little, tree

V2 = {"proc/self/cgroup": "0::/user.slice/app.scope\n"}
V1 = {"proc/self/cgroup": "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n"}


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        (V2, None),
        ({**V2, "sys/fs/cgroup/user.slice/app.scope/cpu.max": "150000 100000\n"}, 1.5),
        ({**V2, "sys/fs/cgroup/user.slice/app.scope/cpu.max": "max 100000\n"}, None),
        (
            {
                **V2,
                "sys/fs/cgroup/user.slice/app.scope/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user.slice/cpu.max": "50000 100000\n",
            },
            0.5,
        ),
        # In a container, the mount begins at the container's own group.
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2.0),
        (
            {
                **V1,
                "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        ({**V1, "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "-1\n"}, None),
        ({**V2, "sys/fs/cgroup/user.slice/app.scope/cpu.max": "0 0\n"}, None),
        ({**V2, "sys/fs/cgroup/user.slice/app.scope/cpu.max": "\0broken"}, None),
        ({"proc/self/cgroup": "0::/../../../etc\n", "etc/cpu.max": "100 100\n"}, None),
    ],
)
def test_the_strictest_quota_counts(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    assert cpu_quota(tree(tmp_path, files)) == quota


@pytest.mark.parametrize(
    ("allowed", "max_", "usable"),
    [
        ({0, 1, 2, 3}, "max 100000", 4),
        ({2}, "max 100000", 1),
        (set(range(8)), "150000 100000", 2),
        ({0, 1}, "1 100", 1),
    ],
)
def test_as_many_threads_run_at_once_as_both_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: set[int], max_: str, usable: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    files = {**big_little(), **V2, "sys/fs/cgroup/user.slice/app.scope/cpu.max": max_}
    share = read_cpu_share(tree(tmp_path, files))
    assert (share.total, share.allowed, share.usable) == (8, tuple(sorted(allowed)), usable)


def test_where_nothing_is_told_the_affinity_is_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    share = read_cpu_share(tmp_path)
    assert (share.total, share.quota, share.usable) == (3, None, 3)


def test_big_cores_are_told_by_capacity(tmp_path: Path) -> None:
    assert big_cpus(tree(tmp_path, big_little())) == (4, 5, 6, 7)


def test_without_capacities_the_highest_clock_tells(tmp_path: Path) -> None:
    clocks = {0: 1416000, 1: 1416000, 4: 1800000, 5: 1800000}
    files = {f"sys/devices/system/cpu/cpu{cpu}/cpufreq/cpuinfo_max_freq": f"{khz}\n" for cpu, khz in clocks.items()}
    assert big_cpus(tree(tmp_path, files)) == (4, 5)


@pytest.mark.parametrize("capacity", ["1024", "0", "many", ""])
def test_where_all_are_alike_none_is_big(tmp_path: Path, capacity: str) -> None:
    files = {f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity": capacity for cpu in range(4)}
    assert big_cpus(tree(tmp_path, files)) == ()


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0-3", (0, 1, 2, 3)), ("0,2-3,7\n", (0, 2, 3, 7)), ("5", (5,)), ("", ()), ("all", ()), ("3-1", ()), ("1,,2", ())],
)
def test_a_list_of_cpus_as_the_kernel_writes_it(text: str, cpus: tuple[int, ...]) -> None:
    assert cpu_list(text) == cpus
