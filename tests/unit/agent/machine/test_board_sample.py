"""A sample holds what each cluster of CPUs does at that moment; what is not told is absent."""

from pathlib import Path

from edgeproof_agent.machine.board_sample import BoardSampler
from tests.support.fake_root import big_little, tree


def test_every_cluster_has_its_clock_its_limit_and_how_busy_it_was(tmp_path: Path) -> None:
    root = tree(tmp_path, big_little(ticks=100))
    sampler = BoardSampler(root)
    first = sampler.sample()["clusters"]
    assert all("busy" not in cluster for cluster in first), "there is nothing yet to hold the ticks against"
    tree(root, big_little(big_mhz=1608, big_limit_mhz=1608, ticks=200))
    little, big, other = sampler.sample()["clusters"]
    assert little == {"first_cpu": 0, "clock_mhz": 1800.0, "limit_mhz": 1800.0, "busy": 0.0}
    assert big == {"first_cpu": 4, "clock_mhz": 1608.0, "limit_mhz": 1608.0, "busy": 1.0}
    assert (other["first_cpu"], other["busy"]) == (6, 0.0)


def test_what_the_board_does_not_tell_is_absent(tmp_path: Path) -> None:
    assert BoardSampler(tmp_path).sample() == {}


def test_heat_load_memory_and_throttling_are_among_it(tmp_path: Path) -> None:
    files = {
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "61000\n",
        "proc/loadavg": "2.50 1 1 1/1 1\n",
        "proc/self/status": "VmHWM:\t 999 kB\nVmRSS:\t 2048 kB\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0x4\n",
    }
    assert BoardSampler(tree(tmp_path, files)).sample() == {
        "temperature_celsius": 61.0,
        "throttled_bits": 4,
        "load_1min": 2.5,
        "rss_mib": 2.0,
    }


def test_broken_files_are_not_told(tmp_path: Path) -> None:
    broken = dict.fromkeys(big_little(), "cpu\0 -1 x\n\n9999999999999999999999999\n")
    sampler = BoardSampler(tree(tmp_path, broken))
    for _ in range(2):
        assert all(set(cluster) == {"first_cpu"} for cluster in sampler.sample().get("clusters", []))


def test_a_clock_that_goes_backwards_is_no_share(tmp_path: Path) -> None:
    sampler = BoardSampler(tree(tmp_path, big_little(ticks=200)))
    sampler.sample()
    tree(tmp_path, big_little(ticks=100))
    assert all("busy" not in cluster for cluster in sampler.sample()["clusters"])
