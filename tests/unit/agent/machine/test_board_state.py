"""The board's state is what kernel and firmware say; what a board cannot tell is None."""

import os
from pathlib import Path
from typing import Any

import pytest

from edgeproof_agent.machine import firmware
from edgeproof_agent.machine.board_state import read_board_state

TICKS = os.sysconf("SC_CLK_TCK")
# Written from the kernel's documented formats (proc(5), Documentation/driver-api/thermal, cpu-freq).
PI = {
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "proc/loadavg": "0.52 0.58 0.59 1/189 4321\n",
    "proc/meminfo": "MemTotal:        3884772 kB\nMemFree:          123456 kB\nMemAvailable:    3276800 kB\n",
    "proc/self/status": "Name:\tpython3\nVmPeak:\t  300000 kB\nVmHWM:\t  102400 kB\n"
    "VmRSS:\t   90000 kB\nCpus_allowed:\tb\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq": "2400000\n",
    "proc/stat": "cpu  1000 200 300 90000 4000 50 60 70 900 80\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
    "proc/self/stat": "4711 (py) R 3) S 1 4711 4711 0 -1 4194304 102 0 0 0 250 150 7 8 20 0 9 0 2375 31 390\n",
    "proc/uptime": "12345.67 40000.00\n",
    "dev/vcio": "",
}


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def firmware_answers(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A vcgencmd that runs this; what it was asked stands in the file that is returned."""
    asked = folder / "asked"
    command = folder / "bin" / "vcgencmd"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$*" >> {asked}\n{script}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    return asked


def test_a_raspberry_pi_tells_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = firmware_answers(tmp_path, monkeypatch, "echo throttled=0x50005")
    assert read_board_state(tree(tmp_path / "root", PI)) == {
        "temperature_celsius": 48.312,
        "clock_mhz": 1500.0,
        "clocks_mhz": [1500.0, 2400.0],
        "cooling_state": None,
        "governor": "ondemand",
        "throttled_bits": 0x50005,
        "load_1min": 0.52,
        "memory_available_mib": 3200.0,
        "peak_rss_mib": 100.0,
        "busy_cpu_seconds": 1680 / TICKS,
        "own_cpu_seconds": 400 / TICKS,
        "uptime_seconds": 12345.67,
        "cpus_allowed": 3,
    }
    assert asked.read_text() == "get_throttled\n"


def test_a_board_that_tells_nothing_is_all_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = firmware_answers(tmp_path, monkeypatch, "echo throttled=0x0")
    assert set(read_board_state(tmp_path / "root").values()) == {None}
    assert not asked.exists()


@pytest.mark.parametrize(
    "script",
    [
        "",
        "echo throttled=",
        "echo VCHI initialization failed; exit 255",
        "exec sleep 600",
        "kill -9 $$",
        "yes | head -c 99999",
    ],
)
def test_a_firmware_that_does_not_answer_leaves_throttling_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(firmware, "COMMAND_SECONDS", 0.3)
    firmware_answers(tmp_path, monkeypatch, script)
    state = read_board_state(tree(tmp_path / "root", PI))
    assert state["throttled_bits"] is None
    assert state["temperature_celsius"] == 48.312


def test_a_board_that_is_not_throttled_has_no_bits_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware_answers(tmp_path, monkeypatch, "echo throttled=0x0")
    assert read_board_state(tree(tmp_path / "root", PI))["throttled_bits"] == 0


def test_the_kernel_s_own_driver_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command has to be there or on the PATH, and nothing can hang."""
    asked = firmware_answers(tmp_path, monkeypatch, "echo throttled=0x0")
    driver = {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n"}
    assert read_board_state(tree(tmp_path / "root", {**PI, **driver}))["throttled_bits"] == 0x50005
    assert not asked.exists()


class _Unready:
    """A file of /sys whose sensor answers EAGAIN: a read without a buffer gives None."""

    def __enter__(self) -> "_Unready":
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, _: int) -> None: ...


def test_a_sensor_that_is_not_ready_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def open_unready(path: Path, *arguments: Any, **options: Any) -> Any:
        return _Unready() if path.name == "temp" else opened(path, *arguments, **options)

    root = tree(tmp_path, {name: text for name, text in PI.items() if name != "dev/vcio"})
    monkeypatch.setattr(Path, "open", open_unready)
    state = read_board_state(root)
    assert state["temperature_celsius"] is None
    assert state["governor"] == "ondemand"


def test_the_cpus_own_zone_is_read_before_the_others(tmp_path: Path) -> None:
    zones = {
        "sys/class/thermal/thermal_zone0/type": "gpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "70000\n",
        "sys/class/thermal/thermal_zone1/type": "CPU-therm\n",
        "sys/class/thermal/thermal_zone1/temp": "51000\n",
    }
    assert read_board_state(tree(tmp_path, zones))["temperature_celsius"] == 51.0


def test_a_zone_that_cannot_be_read_gives_way_to_the_next(tmp_path: Path) -> None:
    zones = {
        "sys/class/thermal/thermal_zone0/type": "cpu\n",
        "sys/class/thermal/thermal_zone0/temp": "",
        "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
        "sys/class/thermal/thermal_zone1/temp": "39000\n",
    }
    assert read_board_state(tree(tmp_path, zones))["temperature_celsius"] == 39.0


def test_files_with_nonsense_are_none(tmp_path: Path) -> None:
    files = {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "<unknown>\n",
        "proc/loadavg": "\n",
        "proc/meminfo": "MemAvailable:\nMemAvailableX: 5 kB\n",
        "proc/self/status": "VmHWM: many kB\nCpus_allowed:\t0\n",
        "proc/stat": "cpu 0 0 0 0 0 0 0 0 0 0\n",
        "proc/self/stat": "1 (x) S 1 2\n",
        "proc/uptime": "soon\n",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "<unknown>\n",
    }
    assert set(read_board_state(tree(tmp_path, files)).values()) == {None}


@pytest.mark.parametrize(
    ("devices", "told"),
    [
        ({}, None),
        ({"pwm-fan": "3"}, None),
        ({"pwm-fan": "3", "cpufreq-cpu0": "0", "cpufreq-cpu4": "2"}, 2),
        ({"thermal-cpufreq-0": "0", "thermal-cpufreq-1": "0"}, 0),
        ({"Processor": "1", "cpufreq-cpu0": "nonsense"}, 1),
    ],
)
def test_a_clock_that_heat_holds_down_all_the_time_is_told(
    tmp_path: Path, devices: dict[str, str], told: int | None
) -> None:
    """No clock changes between two moments then."""
    for number, (kind, state) in enumerate(devices.items()):
        tree(
            tmp_path,
            {
                f"sys/class/thermal/cooling_device{number}/{name}": text
                for name, text in (("type", f"{kind}\n"), ("cur_state", f"{state}\n"))
            },
        )
    assert read_board_state(tmp_path)["cooling_state"] == told
