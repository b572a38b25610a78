"""Which CPUs are ours, and which are the big ones: of a fake /sys of a big.LITTLE board."""

import os
from pathlib import Path

import pytest

from edgeproof.board.agent.session import _state
from edgeproof.record.board import BoardState
from edgeproof.verify.state import void_reasons
from edgeproof_agent.detection.interpreters import Runtime
from edgeproof_agent.machine import cpu_share
from edgeproof_agent.machine.board_state import read_board_state
from edgeproof_agent.machine.cpu_share import big_cpus, clusters, quota_cpus, ranges, usable_cpus
from edgeproof_agent.serve import host_operations
from edgeproof_agent.wire.fields import Fields


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


@pytest.fixture
def rock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As an RK3588: four A55 and twice two A76."""
    for first, cpus, clock, capacity in ((0, "0 1 2 3", 1800, 530), (4, "4 5", 2400, 1024), (6, "6 7", 2400, 1024)):
        policy = f"sys/devices/system/cpu/cpufreq/policy{first}"
        write(tmp_path, f"{policy}/related_cpus", cpus)
        write(tmp_path, f"{policy}/scaling_cur_freq", str(clock * 1000))
        write(tmp_path, f"{policy}/cpuinfo_max_freq", str(clock * 1000))
        for cpu in cpus.split():
            write(tmp_path, f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity", str(capacity))
    allow(monkeypatch, set(range(8)))
    return tmp_path


def allow(monkeypatch: pytest.MonkeyPatch, cpus: set[int]) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cpus)


def test_the_strongest_clusters_are_the_big_ones(rock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [cluster.strength for cluster in clusters(rock)] == [530, 1024, 1024]
    assert big_cpus(rock) == {4, 5, 6, 7}
    allow(monkeypatch, {0, 1, 6})
    assert big_cpus(rock) == {6}
    allow(monkeypatch, {0, 1})
    assert big_cpus(rock) == frozenset(), "all that is ours is of one kind"


def test_without_capacities_the_highest_clock_tells(rock: Path) -> None:
    (rock / "sys/devices/system/cpu/cpu4/cpu_capacity").unlink()
    assert big_cpus(rock) == {4, 5, 6, 7}


def test_a_kernel_that_tells_nothing_has_no_big_ones(tmp_path: Path) -> None:
    assert (clusters(tmp_path), big_cpus(tmp_path)) == ([], frozenset())


@pytest.mark.parametrize(
    ("files", "cpus", "usable"),
    [
        ({}, None, 4),
        ({"proc/self/cgroup": "0::/user.slice/a", "sys/fs/cgroup/user.slice/cpu.max": "200000 100000"}, 2.0, 2),
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "50000 100000"}, 0.5, 1),
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "max 100000"}, None, 4),
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "nonsense"}, None, 4),
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "900000 100000"}, 9.0, 4),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/x",
                "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "150000",
                "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000",
            },
            1.5,
            1,
        ),
        ({"proc/self/cgroup": "4:cpu:/a", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1"}, None, 4),
    ],
)
def test_a_control_group_s_share_of_the_cpus_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cpus: float | None, usable: int
) -> None:
    for name, text in files.items():
        write(tmp_path, name, text)
    allow(monkeypatch, {0, 1, 2, 3})
    assert quota_cpus(tmp_path) == cpus
    assert usable_cpus(tmp_path) == usable


def test_taking_cpus_tells_whether_the_kernel_did(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda *asked: taken.append(asked))
    assert cpu_share.take_cpus(frozenset({1, 2}))
    assert taken == [(0, frozenset({1, 2}))]

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert not cpu_share.take_cpus(frozenset({1}))


def test_ranges_are_written_as_the_kernel_does() -> None:
    assert ranges(frozenset({0, 1, 2, 3, 6, 8, 9})) == "0-3,6,8-9"


def host_state(root: Path) -> BoardState:
    """The board's state as a report has it."""
    told = {key: value for key, value in read_board_state(root).items() if value is not None}
    return _state(Fields({"state": told}), "state")


def test_a_big_cluster_that_is_throttled_voids_a_measurement(rock: Path) -> None:
    before = host_state(rock)
    assert before.clocks_mhz == (1800.0, 2400.0, 2400.0)
    assert void_reasons(before, before) == []
    write(rock, "sys/devices/system/cpu/cpufreq/policy6/scaling_cur_freq", "1200000")
    assert void_reasons(before, host_state(rock)) == ["the clock changed from 2400 to 1200 MHz under load"]


def test_a_clock_that_heat_holds_down_all_the_time_voids_it_too(rock: Path) -> None:
    for number, (kind, state) in enumerate((("pwm-fan", "3"), ("cpufreq-cpu0", "0"), ("cpufreq-cpu4", "2"))):
        write(rock, f"sys/class/thermal/cooling_device{number}/type", kind)
        write(rock, f"sys/class/thermal/cooling_device{number}/cur_state", state)
    held = host_state(rock)
    assert held.cooling_state == 2
    assert void_reasons(held, held) == ["the kernel held a CPU's clock down because of heat"]
    write(rock, "sys/class/thermal/cooling_device2/cur_state", "0")
    assert void_reasons(host_state(rock), host_state(rock)) == []


def test_the_clock_of_a_cluster_that_is_not_used_voids_nothing(rock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, {4, 5, 6, 7})
    before = host_state(rock)
    assert before.clocks_mhz == (2400.0, 2400.0)
    write(rock, "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "408000")
    assert void_reasons(before, host_state(rock)) == []


@pytest.mark.parametrize(
    ("big", "taken", "words"),
    [
        (frozenset({4, 5, 6, 7}), True, "4 of 8 CPUs: 4-7"),
        (frozenset({4, 5, 6, 7}), False, "all 8 CPUs: the kernel does not let this agent choose"),
        (frozenset(), True, "all 8 CPUs: this board's are of one kind"),
    ],
)
def test_the_agent_says_which_cpus_it_keeps_to(
    monkeypatch: pytest.MonkeyPatch, big: frozenset[int], taken: bool, words: str
) -> None:
    asked = []
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(host_operations, "big_cpus", lambda: big)

    def take(cpus: frozenset[int]) -> bool:
        asked.append(cpus)
        return taken

    monkeypatch.setattr(host_operations, "take_cpus", take)
    operations = host_operations.DetectionOperations(Runtime("tflite-runtime", "2.14.0", None))
    assert operations._take_cores("big").startswith(words)
    assert asked == [big] * bool(big)
    assert operations._take_cores("all") == ""
    assert asked == [big] * bool(big), "nothing is changed where nobody asks"
