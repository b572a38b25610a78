"""What a doctor finds on well-known boards, by their recordings; nothing that a board says can make it stumble."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.board.doctor.diagnosis import Diagnosis
from edgeproof.board.doctor.examination import parse_examination
from edgeproof.board.doctor.finding import Level, bad, good, warning
from edgeproof.board.doctor.login import Login, login_finding
from edgeproof.board.doctor.provisioned import provisioned
from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.board.store.inventory import AppState, Inventory, StoredRuntime
from edgeproof_agent.wire.fields import FieldError, Fields
from tests.support.boards.recorded_boards import ANSWERED_NS, ASKED_NS, NAMES, findings, recording, understood
from tests.support.hostile import NASTY_TEXTS

GOOD, WARNING, BAD, NOT_AVAILABLE = Level.GOOD, Level.WARNING, Level.BAD, Level.NOT_AVAILABLE
DIGEST = "a" * 64


def troubled(name: str) -> dict[str, Level]:
    return {item.name: item.level for item in findings(recording(name)).values() if item.level in (WARNING, BAD)}


@pytest.mark.parametrize(
    "name",
    [
        *(f"pi-{model}-{suite}" for model in ("3", "4", "zero-2") for suite in ("bullseye", "bookworm")),
        *("pi-3-trixie", "pi-4-trixie", "pi-5-bookworm", "jetson-nano", "rock-5b-bookworm"),
    ],
)
def test_a_board_in_order_has_no_warning(name: str) -> None:
    assert troubled(name) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pi-4-bullseye-32-bit", {"architecture": WARNING}),
        ("pi-zero-2-trixie", {"memory": WARNING}),
        ("pi-4-bookworm-no-video-group", {"cameras": WARNING, "throttling": WARNING}),
        ("pi-4-bookworm-read-only", {"disk": BAD, "throttling": WARNING}),
        ("emulated-bookworm", {"model": WARNING}),
        ("pi-5-trixie", {"throttling now": BAD, "throttling since boot": WARNING, "temperature": BAD}),
        (
            "pi-4-bookworm-undervolted",
            {
                "memory": WARNING,
                "disk": WARNING,
                "clock skew": WARNING,
                "cpu clock": WARNING,
                "throttling now": BAD,
                "throttling since boot": WARNING,
                "temperature": WARNING,
            },
        ),
    ],
)
def test_a_board_in_trouble_is_told_with_a_remedy_each(name: str, expected: dict[str, Level]) -> None:
    assert troubled(name) == expected
    assert all(finding.remedy for finding in findings(recording(name)).values() if finding.name in expected)


@pytest.mark.parametrize(
    ("name", "finding", "value"),
    [
        ("pi-3-bullseye", "model", "Raspberry Pi 3 Model B Plus Rev 1.3"),
        ("pi-3-bullseye", "system", "Debian GNU/Linux 11 (bullseye), Linux 6.1.21-v8+, up 26 hours, load 0.08"),
        ("pi-3-bullseye", "python", "3.9.2 (/usr/bin/python3)"),
        ("pi-3-bullseye", "libc", "glibc 2.31"),
        ("pi-3-bullseye", "cpu", "4 x Cortex-A53"),
        ("pi-4-bookworm", "memory", "3323 of 3794 MiB available, 200 of 200 MiB swap free"),
        ("pi-4-bookworm", "disk", "20480 of 29696 MiB free, ext4 on an SD card"),
        ("pi-4-bookworm", "cpu features", "NEON; no fp16 arithmetic, no dot product"),
        ("pi-4-bookworm", "cpu clock", "ondemand, 600 MHz now of 600 to 1800"),
        ("pi-4-bookworm", "temperature", "42.4 °C (cpu-thermal)"),
        ("pi-4-bookworm", "cameras", "/dev/video0 HD Pro Webcam C920"),
        ("pi-4-bookworm", "clock skew", "none (within 0.02 s)"),
        ("pi-4-bookworm-undervolted", "throttling now", "under-voltage, throttled"),
        ("pi-4-bookworm-undervolted", "clock skew", "3 days behind this machine (within 0.02 s)"),
        ("pi-5-bookworm", "cpu features", "NEON, fp16 arithmetic, dot product"),
        ("pi-5-bookworm", "cameras", "/dev/video0 rp1-cfe (on the ribbon cable: pictures come by libcamera)"),
        ("pi-5-trixie", "throttling since boot", "clock capped, throttled, soft temperature limit"),
        ("jetson-nano", "temperature", "33.5 °C (CPU-therm)"),
        ("rock-5b-bookworm", "cpu", "4 x Cortex-A55, 4 x Cortex-A76"),
        ("rock-5b-bookworm", "clock of cpu 6-7", "performance, 2400 MHz now of 408 to 2400"),
        ("rock-5b-bookworm", "disk", "20480 of 29696 MiB free, ext4 on eMMC"),
        ("rock-5b-bookworm", "cameras", "/dev/video0 rkisp_mainpath"),
        ("emulated-bookworm", "cpu clock", "not available"),
        ("emulated-bookworm", "temperature", "not available"),
        ("emulated-bookworm", "throttling", "not available"),
        ("emulated-bookworm", "cameras", "none found"),
    ],
)
def test_a_board_is_described(name: str, finding: str, value: str) -> None:
    assert findings(recording(name))[finding].value == value


def test_a_share_of_the_board_is_told_as_one() -> None:
    recorded = recording("rock-5b-bookworm")
    recorded["facts"] |= {"cpus_allowed": 6, "cpu_quota": 1.5, "big_cpus": 4, "memory_free_bytes": 300 << 20}
    told = findings(recorded)
    assert told["cpu"].level is Level.WARNING
    assert told["cpu"].value == (
        "4 x Cortex-A55, 4 x Cortex-A76, 4 of them big; 6 of 8 CPUs are open to this login; "
        "control groups leave it 1.5 CPUs' worth of time"
    )
    assert told["memory"].value.startswith("300 of ")
    assert "available to this login, by its control groups" in told["memory"].value


def test_the_architecture_is_that_of_the_userland_and_the_kernel_stands_beside_it() -> None:
    told = findings(recording("pi-4-bullseye-32-bit"))["architecture"]
    assert told.value == "armv7l: a 32-bit userland on a 64-bit kernel (which calls itself aarch64)"
    assert told.data == {"userland": "armv7l", "kernel": "aarch64"}
    assert "Install the 64-bit system" in told.remedy


def test_programs_get_numbers_with_their_units() -> None:
    told = findings(recording("pi-4-bookworm-undervolted"))
    assert told["temperature"].data == {"celsius": 71.576}
    assert told["throttling now"].data == {"bits": 0x50005}
    assert told["clock skew"].data["offset_seconds"] == pytest.approx(-86400 * 3 - 0.02)
    assert told["clock skew"].data["uncertainty_seconds"] == pytest.approx(0.02)
    assert told["disk"].data["free_mib"] == 180


def test_who_may_not_ask_the_firmware_is_told_the_group_that_may() -> None:
    told = findings(recording("pi-4-bookworm-no-video-group"))
    assert told["throttling"].value == "vcgencmd may not ask the firmware: VCHI initialization failed"
    assert told["cameras"].remedy == told["throttling"].remedy == "sudo usermod -aG video edge, and connect again"


@pytest.mark.parametrize(
    ("changes", "name", "level", "words"),
    [
        ({"disk_free_bytes": 1 << 20}, "disk", BAD, "Free some space"),
        ({"mountinfo": "1 0 0:2 / / rw - overlay overlay rw"}, "disk", WARNING, "Switch the overlay file system off"),
        ({"mountinfo": "1 0 8:1 / /home rw - vfat /dev/sda1 rw"}, "disk", BAD, "no links"),
        ({"meminfo": "MemTotal: 400000 kB\nMemAvailable: 50000 kB\n"}, "memory", BAD, "add swap"),
        (
            {"meminfo": "MemTotal: 400000 kB\nMemAvailable: 50000 kB\nSwapTotal: 90000 kB\nSwapFree: 90000 kB\n"},
            "memory",
            WARNING,
            "add swap",
        ),
        ({"meminfo": ""}, "memory", NOT_AVAILABLE, ""),
        ({"cpuinfo": ""}, "cpu features", NOT_AVAILABLE, ""),
        ({"cpuinfo": "processor : 0\nFeatures : fp\n"}, "cpu features", WARNING, "without NEON"),
        ({"thermal": []}, "temperature", GOOD, ""),
        ({"received_ns": ASKED_NS + 3 * 10**9, "answered_ns": ASKED_NS + 3 * 10**9}, "clock skew", GOOD, ""),
        ({"received_ns": 0, "answered_ns": 0}, "clock skew", WARNING, "set-ntp true"),
    ],
)
def test_a_pi_4_with_one_thing_changed(changes: dict[str, Any], name: str, level: Level, words: str) -> None:
    recorded = recording("pi-4-bookworm")
    recorded["examination"] |= changes
    told = findings(recorded)[name]
    assert told.level is level
    assert words in told.remedy


def test_a_pi_without_vcgencmd_is_read_by_the_firmwares_driver() -> None:
    recorded = recording("pi-4-bookworm-undervolted")
    recorded["examination"]["vcgencmd"]["get_throttled"] = {"outcome": "absent", "output": ""}
    assert findings(recorded)["throttling now"].value == "under-voltage, throttled"
    recorded["examination"]["firmware_throttled"] = ""
    assert "raspi-utils" in findings(recorded)["throttling"].remedy


def _provisioned(name: str, **inventory: Any) -> dict[str, Any]:
    facts, examination = understood(recording(name))
    whole = Inventory(
        **{"agents": frozenset(), "bundles": frozenset(), "runtimes": (), "apps": {}, "signers": None, **inventory}
    )
    return {
        item.name: item
        for item in provisioned("my board", facts, whole, DIGEST, examination.incoming, {"b" * 64: "int8"})
    }


def test_a_bare_board_is_told_how_to_provision_it() -> None:
    told = _provisioned("pi-4-bookworm")
    assert told["runtimes"].level is WARNING
    assert told["runtimes"].remedy == "edgeproof provision 'my board'"
    assert [told[name].level for name in ("agent", "bundles")] == [NOT_AVAILABLE, NOT_AVAILABLE]
    assert "incoming" not in told


def test_a_32_bit_board_is_told_which_packages_it_lacks() -> None:
    told = _provisioned("pi-4-bullseye-32-bit")["runtimes"]
    assert (told.level, told.value) == (WARNING, "none yet; tflite-runtime wants packages")
    assert told.remedy.endswith("sudo apt install python3-numpy python3-opencv")


def test_a_board_that_no_runtime_fits_is_told_which_would() -> None:
    recorded = recording("pi-4-bookworm")
    recorded["facts"] |= {"libc": "", "soabi": "cpython-311-aarch64-linux-musl"}
    facts, _ = understood(recorded)
    inventory = Inventory(agents=frozenset(), bundles=frozenset(), runtimes=(), apps={}, signers=frozenset({"k"}))
    told = {item.name: item for item in provisioned("desk", facts, inventory, DIGEST, (), {})}
    assert (told["runtimes"].level, told["runtimes"].value) == (BAD, "none fits this board")
    assert "glibc" in told["runtimes"].remedy
    assert told["signatures"].value == "a bundle must be signed by one of 1 key"


def test_a_board_that_trusts_nobody_takes_no_bundle() -> None:
    told = _provisioned("pi-4-bookworm", signers=frozenset())["signatures"]
    assert (told.level, told.value) == (BAD, "a bundle must be signed, and no key is trusted")
    assert "Delete it" in told.remedy


def test_a_provisioned_board_is_described() -> None:
    facts, _ = understood(recording("pi-4-bookworm"))
    release = fitting_releases(facts)[0]
    told = _provisioned(
        "pi-4-bookworm",
        agents=frozenset({DIGEST}),
        bundles=frozenset({"b" * 64, "c" * 64}),
        runtimes=(StoredRuntime(release.digest(facts), release.name, release.version, "/r"),),
        apps={"people": AppState("b" * 64, "c" * 64), "cats": AppState(None, None)},
    )
    assert told["runtimes"].value == f"{release.name} {release.version} ready"
    assert told["runtimes"].data["others"] == 0
    assert told["agent"].value == "of this version"
    older = StoredRuntime("d" * 64, release.name, "1.0", "/old")
    there = StoredRuntime(release.digest(facts), release.name, release.version, "/r")
    assert "; 1 more that this" in _provisioned("pi-4-bookworm", runtimes=(there, older))["runtimes"].value
    assert told["bundles"].value == "2"
    assert told["app people"].value == f"int8 {'b' * 12}, before {'c' * 12}"
    assert told["app cats"].level is BAD
    assert told["app cats"].remedy == "edgeproof push 'my board' BUNDLE --app cats"


def test_partial_uploads_that_nobody_continues_are_told() -> None:
    told = _provisioned("pi-4-bookworm-undervolted")["incoming"]
    assert (told.level, told.value) == (WARNING, "2 partial uploads, 20.0 MB, 1 older than a day")
    assert told.data == {"count": 2, "stale": 1, "size_bytes": 20_000_000}


@pytest.mark.parametrize(
    ("login", "level"), [(Login(0.2, ""), GOOD), (Login(1.5, ""), WARNING), (Login(0.1, "Welcome!"), WARNING)]
)
def test_a_login_shell_should_be_quick_and_silent(login: Login, level: Level) -> None:
    told = login_finding(login)
    assert told.level is level
    assert bool(told.remedy) == (level is not GOOD)


def test_a_diagnosis_is_healthy_while_nothing_is_bad() -> None:
    assert Diagnosis("a", {"x": [good("g", "v", n=1), warning("w", "v", "r")]}).healthy
    assert not Diagnosis("a", {"x": [good("g", "v")], "y": [bad("b", "v", "r")]}).healthy
    told = Diagnosis("a", {"x": [warning("w", "v", "r", mib=1.5)]}).to_json()
    assert told == {
        "schema": "edgeproof.doctor/1",
        "board": "a",
        "healthy": True,
        "findings": [
            {"section": "x", "name": "w", "level": "warning", "value": "v", "remedy": "r", "data": {"mib": 1.5}}
        ],
    }


GARBAGE = (
    NASTY_TEXTS
    | st.text(max_size=200)
    | st.sampled_from(
        [
            "throttled=0x" + "f" * 99,
            "throttled=0x50005\x1b[2J",
            "9" * 400,
            "-9" * 20,
            "1e999",
            "MemTotal: " + "9" * 15 + " kB",
            "MemTotal:\nMemAvailable: 7 kB",
            "processor\t: 0\nCPU implementer\t: zz\nCPU part\t: \nFeatures\t:",
            "processor: 0\nCPU implementer: 0x41\nCPU part: 0xfff\n\nprocessor: 1",
            "1 2 3 / / rw - ",
            "1 2 3 / \\040\\777 rw - a b c",
            "\u202eabc",
            "²",
            "\n" * 300,
        ]
    )
)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to every text and number."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _leaves(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)]


@st.composite
def hostile_recordings(draw: st.DrawFn) -> dict[str, Any]:
    recorded = recording(draw(st.sampled_from(NAMES)))
    for path in draw(st.lists(st.sampled_from(list(_leaves(recorded))), min_size=1, max_size=12)):
        holder: Any = recorded
        for key in path[:-1]:
            holder = holder[key]
        number = type(holder[path[-1]]) is int
        holder[path[-1]] = draw(st.sampled_from([0, 1, 2**62, 2**63, -(2**63), 10**9]) if number else GARBAGE)
    return recorded


def test_a_load_of_blanks_is_no_load() -> None:
    recorded = recording("pi-4-bookworm")
    recorded["examination"]["loadavg"] = "\t"
    assert "load" not in findings(recorded)["system"].value


@settings(max_examples=200)
@given(hostile_recordings())
def test_whatever_a_board_says_the_doctor_answers_in_plain_text(recorded: dict[str, Any]) -> None:
    try:
        facts, examination = understood(recorded)
    except FieldError:
        return  # becomes a ProtocolError
    told = list(findings(recorded).values())
    inventory = Inventory(agents=frozenset(), bundles=frozenset(), runtimes=(), apps={}, signers=None)
    told = [*told, *provisioned("desk", facts, inventory, DIGEST, examination.incoming, {})]
    for finding in told:
        for text in (finding.name, finding.value, finding.remedy):
            assert all(letter.isprintable() or letter == "\n" for letter in text)
        json.dumps(dict(finding.data), allow_nan=False)
        assert bool(finding.remedy) == (finding.level in (WARNING, BAD))


@pytest.mark.parametrize("name", ["mountinfo", "cpufreq", "vcgencmd", "received_ns", "incoming", "kernel_machine"])
def test_an_examination_that_lacks_something_is_refused_by_its_name(name: str) -> None:
    told = recording("pi-4-bookworm")["examination"]
    del told[name]
    with pytest.raises(FieldError, match=f"{name} is missing"):
        parse_examination(Fields(told), ASKED_NS, ANSWERED_NS)
