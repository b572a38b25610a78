"""Many boards side by side, as a user works on them: light boards of this machine, some of them with faults."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.errors import BoardBusyError
from tests.support.boards.board_fleet import BoardFleet, can_fill_a_disk, provisioned_home
from tests.support.places import BUILT
from tests.support.whole_bundles import served_digest, tune

COUNT = 12
FAULTS = {1: "refuse", 2: "hang", 4: "die", 6: "disk", 7: "key"}
APP = "tiny"


@pytest.fixture(scope="module")
def template() -> Path:
    return provisioned_home()


@pytest.fixture(scope="module")
def broken(template: Path) -> Iterator[BoardFleet]:
    faults = {n: fault for n, fault in FAULTS.items() if fault != "disk" or can_fill_a_disk()}
    with BoardFleet(BUILT / "boards" / "fleet-broken", COUNT, faults, template=template) as fleet:
        yield fleet


@pytest.fixture
def sound(template: Path) -> Iterator[BoardFleet]:
    tags = {0: ["pi5"], 1: ["pi5"], 2: ["pi4"]}
    with BoardFleet(BUILT / "boards" / "fleet-sound", 6, tags=tags, template=template) as fleet:
        yield fleet


def edgeproof(fleet: BoardFleet, folder: Path, *arguments: object, expect: int = 0) -> str:
    if not (folder / "edgeproof.toml").exists():
        fleet.write_config(folder, '[fleet.groups]\nkitchens = ["board-00[0-3]"]\n')
    command = [sys.executable, "-m", "edgeproof", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "80"}
    )
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_what_is_wrong_with_one_board_is_its_own_row(
    broken: BoardFleet, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    out = edgeproof(broken, tmp_path, "push", "all", tiny_bundles["int8"], "--results", "results.json", expect=2)
    outcomes = {told["board"]: told for told in json.loads((tmp_path / "results.json").read_text())["boards"]}
    expected = {"refuse": "refused", "hang": "silent", "die": "cut", "disk": "disk_full", "key": "host_key_changed"}
    wanted = open_bundle(tiny_bundles["int8"]).digest
    for number, name in enumerate(broken.names):
        fault = broken.faults.get(number)
        assert outcomes[name]["reason"] == (expected[fault] if fault else None), outcomes[name]
        assert (served_digest(broken.home(number), APP) == wanted) is (fault is None)
    again = [line.split()[0] for line in (tmp_path / "build/fleet/push-retry.txt").read_text().splitlines()]
    assert again == ["board-001", "board-002", "board-004"]
    assert f"{COUNT - len(broken.faults)} of {COUNT} boards well, {len(broken.faults)} failed" in out
    assert "edgeproof board trust board-007" in out
    out = edgeproof(broken, tmp_path, "status", "@build/fleet/push-retry.txt", "--limit", "board-001", expect=2)
    assert "1 connection refused: board-001" in out


def test_a_canary_that_fails_its_gate_keeps_the_rest_as_it_was(
    sound: BoardFleet, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    old, new = open_bundle(tiny_bundles["int8"]), open_bundle(tiny_bundles["float32"])
    edgeproof(sound, tmp_path, "push", "all", old.path)
    out = edgeproof(
        sound,
        tmp_path,
        "push",
        "all",
        new.path,
        "--canary",
        "1",
        "--gate",
        "size < 1 kB",
        "--on-fail",
        "rollback",
        expect=1,
    )
    assert "stopped: a canary is not well: board-000: gates fail: size < 1 kB" in out
    assert "5 not begun" in out
    assert [served_digest(sound.home(number), APP) for number in range(6)] == [old.digest] * 6
    out = edgeproof(sound, tmp_path, "fleet", "status", "--want", new.path, expect=1)
    assert "6 boards depart from" in out
    assert "board-000 to 005" in out
    edgeproof(sound, tmp_path, "push", "all", new.path, "--canary", "1", "--serial", "50%", "--gate", "size < 10 MB")
    assert [served_digest(sound.home(number), APP) for number in range(6)] == [new.digest] * 6
    assert "every board that answers serves" in edgeproof(sound, tmp_path, "fleet", "status", "--want", new.path)
    edgeproof(sound, tmp_path, "rollback", "kitchens")
    assert [served_digest(sound.home(number), APP) for number in range(6)] == [old.digest] * 4 + [new.digest] * 2


def test_a_rollout_that_stopped_goes_on(sound: BoardFleet, tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = open_bundle(tiny_bundles["int8"])
    runtimes = sound.home(3) / ".edgeproof" / "runtimes"
    runtimes.rename(runtimes.with_name("hidden"))
    out = edgeproof(sound, tmp_path, "push", "all", bundle.path, "--serial", "2", expect=2)
    assert "stopped: 1 of 4 boards failed, and 0 may" in out
    assert [served_digest(sound.home(number), APP) is not None for number in range(6)] == [True] * 3 + [False] * 3
    runtimes.with_name("hidden").rename(runtimes)
    out = edgeproof(sound, tmp_path, "push", "all", bundle.path, "--serial", "2", "--resume")
    assert out.count("done before") == 3
    assert [served_digest(sound.home(number), APP) for number in range(6)] == [bundle.digest] * 6


def test_measurements_of_many_and_a_lease_that_is_told(
    sound: BoardFleet, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    bundle = tiny_bundles["int8"]
    edgeproof(sound, tmp_path, "push", "all", bundle)
    out = edgeproof(sound, tmp_path, "bench", "kitchens", "--runs", "20", "--warmup", "1", "--out", "bench")
    assert "4 of 4 boards well" in out
    report = json.loads((tmp_path / "bench" / "report.json").read_text())
    assert [run["board"]["name"] for run in report["runs"]] == sound.names[:4]
    check = (
        "check",
        "tag:pi5",
        "board-002",
        "--bundle",
        bundle,
        "--runs",
        "64",
        "--gate",
        "size < 10 MB",
        "--out",
        "check",
    )
    assert "3 of 3 boards well" in edgeproof(sound, tmp_path, *check)
    (first, second, *_) = sound.profiles
    with open_board(first) as board, board.store.leased("a soak test", 600.0):
        out = edgeproof(sound, tmp_path, "bench", "tag:pi5", "--runs", "20", expect=2)
        assert "1 busy with something else: board-000" in out
        assert "measures on this board (a soak test), for about 10 min more" in out
        with (
            open_board(first) as other,
            pytest.raises(BoardBusyError, match="--wait SECONDS"),
            other.store.leased("x", 1.0),
        ):
            pass
        out = edgeproof(sound, tmp_path, "bench", "tag:pi5", "--any", "--runs", "20", "--json")
        assert json.loads(out)["runs"][0]["board"]["name"] == second.name


def test_a_dead_hosts_lease_ends(sound: BoardFleet, tmp_path: Path) -> None:
    sound.write_config(tmp_path)
    program = (
        "import sys, time; from pathlib import Path; from edgeproof.config.boards import find_board; "
        "from edgeproof.board.open_board import open_board\n"
        "with open_board(find_board('board-000', Path('edgeproof.toml'))) as b, b.store.leased('held', 600.0):\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == "held\n"
        with open_board(sound.profiles[0]) as board:
            with pytest.raises(BoardBusyError), board.store.leased("mine", 1.0):
                pass
            host.kill()
            start = time.monotonic()
            with board.store.leased("mine", 1.0, wait_seconds=30.0):
                pass
            assert time.monotonic() - start < 30


def test_other_weights_travel_as_what_differs(sound: BoardFleet, tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = open_bundle(tiny_bundles["float32"])
    edgeproof(sound, tmp_path, "push", "kitchens", bundle.path)
    tuned = tune(bundle, tmp_path / "tuned")
    edgeproof(sound, tmp_path, "push", "kitchens", tuned.path, "--results", "r.json")
    sent = [told["data"]["payload_bytes"] for told in json.loads((tmp_path / "r.json").read_text())["boards"]]
    assert len(sent) == 4
    assert all(0 < size < bundle.model_path.stat().st_size for size in sent)
