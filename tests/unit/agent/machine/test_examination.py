"""The agent's examination tells raw texts, bounded in size and time, whatever the board lacks."""

import getpass
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgeproof.board.doctor.diagnosis import diagnose_connected
from edgeproof.board.doctor.examination import parse_examination
from edgeproof.board.doctor.finding import Level
from edgeproof.board.link.first_contact import GreetedChannel, Ready
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.link.transport import Channel
from edgeproof.config.boards import BoardProfile
from edgeproof_agent.machine import firmware
from edgeproof_agent.machine.examination import examine
from edgeproof_agent.wire.fields import Fields
from edgeproof_agent.wire.frames import decode_header, encode_frame
from tests.support.interpreters import find_python

CLOCK = {"received_ns": 0, "answered_ns": 1}
"""The operation adds these."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Raspberry Pi's /proc, /sys and /dev, as far as an examination looks there."""
    folder = tmp_path / "root"
    for name, text in {
        "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
        "proc/meminfo": "MemTotal: 3884772 kB\n",
        "proc/self/mountinfo": "24 1 179:2 / / rw - ext4 /dev/root rw\n",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "ondemand\n",
        "sys/devices/system/cpu/cpufreq/policy0/related_cpus": "0 1 2 3\n",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "48686\n",
        "sys/class/video4linux/video10/name": "bcm2835-codec-decode\n",
        "sys/class/video4linux/video2/name": "HD Pro Webcam C920\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        "dev/video2": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / ".edgeproof"


def vcgencmd(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "vcgencmd").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "vcgencmd").chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_a_pi_tells_comes_back_as_it_stands_there(
    root: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vcgencmd(tmp_path / "bin", 'echo "$1 was asked"', monkeypatch)
    told = examine(store, root)
    assert told["compatible"] == "raspberrypi,4-model-b\nbrcm,bcm2711"
    assert told["meminfo"] == "MemTotal: 3884772 kB"
    assert told["mountinfo"] == "24 1 179:2 / / rw - ext4 /dev/root rw"
    assert told["cpufreq"][0]["scaling_governor"] == "ondemand"
    assert told["cpufreq"][0]["scaling_cur_freq"] == ""
    assert told["thermal"] == [{"type": "cpu-thermal", "temp": "48686"}]
    assert [camera["node"] for camera in told["cameras"]] == ["video2", "video10"]
    assert [camera["usable"] for camera in told["cameras"]] == [True, False]
    assert told["firmware_throttled"] == "50005"
    assert told["vcgencmd"]["measure_temp"] == {"outcome": "ok", "output": "measure_temp was asked\n"}
    assert told["home"] == str(store.parent.resolve())
    assert 0 < told["disk_free_bytes"] <= told["disk_total_bytes"]


def test_a_machine_that_has_nothing_of_it_answers_all_the_same(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware, "MORE_FOLDERS", "")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    told = examine(store, tmp_path / "nowhere")
    assert [told[name] for name in ("cpufreq", "thermal", "cameras", "incoming")] == [[], [], [], []]
    assert told["vcgencmd"]["get_throttled"] == {"outcome": "absent", "output": ""}
    assert told["card_type"] == told["firmware_throttled"] == told["cpuinfo"] == ""
    parse_examination(Fields({**told, **CLOCK}), 0, 1)


@pytest.mark.parametrize(
    ("script", "outcome"),
    [("exec sleep 60", "hung"), ("echo no; exit 3", "failed"), ("head -c 9000000 /dev/zero", "ok"), ("exit 0", "ok")],
)
def test_a_firmware_command_is_bounded_in_time_and_size(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, outcome: str
) -> None:
    monkeypatch.setattr(firmware, "COMMAND_SECONDS", 0.5)
    vcgencmd(tmp_path / "bin", script, monkeypatch)
    start = time.monotonic()
    told = examine(store, tmp_path / "nowhere")["vcgencmd"]["get_throttled"]
    assert told["outcome"] == outcome
    assert len(told["output"]) <= 512
    assert time.monotonic() - start < 30


def test_a_board_that_is_full_of_everything_fits_into_a_frame(root: Path, store: Path) -> None:
    for index in range(200):
        (root / f"sys/class/video4linux/video{index}").mkdir(exist_ok=True)
        (root / f"sys/class/video4linux/video{index}/name").write_text("\x01" * 5000)
        (store / f"incoming/bundles-{index}{'x' * 180}").mkdir(parents=True)
    for name in ("cpuinfo", "meminfo", "self/mountinfo"):
        (root / "proc" / name).write_text("\x01" * 1_000_000)
    told = decode_header(encode_frame({"id": 1, "ok": True, **examine(store, root), **CLOCK})[12:])
    understood = parse_examination(Fields(told), 0, 1)
    assert len(understood.cameras) == len(understood.incoming) == 32


def test_a_partial_upload_is_told_with_its_size_and_age(store: Path, tmp_path: Path) -> None:
    folder = store / "incoming" / f"bundles-{'a' * 64}"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/model.tflite").write_bytes(b"x" * 1000)
    (folder / "bundle.json").write_bytes(b"x" * 24)
    (folder / "link").symlink_to("/etc/passwd")
    os.utime(folder, (time.time() - 90_000, time.time() - 90_000))
    (told,) = examine(store, tmp_path / "nowhere")["incoming"]
    assert (told["name"], told["size_bytes"]) == (folder.name, 1024)
    assert 90_000 <= told["age_seconds"] < 90_100


def test_a_folder_that_nobody_may_read_is_no_error(root: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    assert examine(store, root)["thermal"] == []


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_a_diagnosis_of_this_machine_is_whole_on_every_python_of_a_board(tmp_path: Path, version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed: no board was examined by it")
    profile = BoardProfile(name="local", host="localhost", python=str(python))
    with LocalTransport("local", tmp_path) as transport:
        diagnosis = diagnose_connected(profile, transport)
    told = {finding.name: finding for finding in diagnosis.findings}
    assert str(told["python"].data["version"]).startswith(f"{version}.")
    assert set(diagnosis.sections) == {"connection", "store", "system", "processor", "edgeproof"}
    assert {"model", "memory", "disk", "architecture", "cpu", "temperature", "clock skew", "runtimes"} <= set(told)
    assert told["clock skew"].level is Level.GOOD, "it is the same clock"
    json.dumps(diagnosis.to_json())
    assert list(tmp_path.iterdir()) == [], "nothing is left behind by asking"


def test_a_board_without_python_is_diagnosed_so(tmp_path: Path) -> None:
    profile = BoardProfile(name="local", host="localhost", python="python-that-is-not-there")
    with LocalTransport("local", tmp_path) as transport:
        diagnosis = diagnose_connected(profile, transport)
    assert not diagnosis.healthy
    python = next(finding for finding in diagnosis.findings if finding.name == "python")
    assert (python.name, python.level) == ("python", Level.BAD)
    assert "apt install python3" in python.remedy


class _Talkative(LocalTransport):
    """A board whose login shell greets everybody."""

    def open(self, command: str) -> Channel:
        ready = Ready()
        channel = super().open(f"echo 'Welcome to \033[1mdesk'; {ready.command(command)}")
        return GreetedChannel(channel, ready, "local", channel.close)


def test_a_login_shell_that_prints_is_told_and_the_rest_examined(tmp_path: Path) -> None:
    with _Talkative("local", tmp_path) as transport:
        diagnosis = diagnose_connected(BoardProfile(name="local", host="x", python=sys.executable), transport)
    login = diagnosis.findings[0]
    assert login.level is Level.WARNING
    assert "a login file prints: Welcome to [1mdesk" in login.value
    assert "[[ $- == *i* ]] || return" in login.remedy
    assert "memory" in {finding.name for finding in diagnosis.findings}


def test_whether_services_linger_is_read_where_systemd_runs(tmp_path: Path) -> None:
    def told() -> Any:
        return examine(tmp_path / "home/.edgeproof", tmp_path)["linger"]

    assert told() == ""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert told() == "no"
    (tmp_path / "var/lib/systemd/linger").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger" / getpass.getuser()).touch()
    assert told() == "yes"
