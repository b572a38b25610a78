"""Services over SSH, under a real systemd: through a power cut, a lost camera, and bundles that come."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeproof.board.deploy import push_bundle, send_bundle
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.local import base_python
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.board.service import ServiceSettings, ServiceStatus, install_service, remove_service, service_status
from edgeproof.bundle import open_bundle
from edgeproof_agent.sources.grammar import parse_source
from edgeproof_agent.sources.settings import CaptureSettings
from tests.support.boards.ssh_servers import Command, write_config
from tests.support.boards.systemd_board import SystemdBoard, require_systemd
from tests.support.mjpeg_server import MjpegCamera
from tests.support.networks.tiny_ssd import draw_square
from tests.support.places import BUILT
from tests.support.whole_bundles import broken_bundle

APP = "door"
WAIT_SECONDS = 60.0


@pytest.fixture
def server(tiny_bundles: dict[str, Path]) -> Iterator[SystemdBoard]:
    """A board that serves the int8 bundle; what is in its store beside that stays between test runs."""
    require_systemd()
    folder = BUILT / "boards" / "ssh-systemd"
    folder.mkdir(parents=True, exist_ok=True)
    with SystemdBoard(folder, base_python()) as board:
        for leftover in ("services", "apps"):
            shutil.rmtree(board.home / ".edgeproof" / leftover, ignore_errors=True)
        shutil.rmtree(board.home / ".config", ignore_errors=True)
        with open_board(board.profile) as opened:
            provision(opened)
            push_bundle(opened, open_bundle(tiny_bundles["int8"]), APP)
        yield board


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    with MjpegCamera(lambda index: draw_square("bright", 3, index % 8), fps=20) as camera:
        yield camera


@pytest.fixture
def edgeproof(server: SystemdBoard, tmp_path: Path) -> Command:
    write_config(tmp_path, server.profile)

    def run(*arguments: object, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "edgeproof", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def status_of(server: SystemdBoard) -> ServiceStatus:
    with open_board(server.profile) as opened:
        (status,) = service_status(opened, APP)
    return status


def wait_for(server: SystemdBoard, wanted: Callable[[ServiceStatus], bool]) -> ServiceStatus:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        status = status_of(server)
        if wanted(status):
            return status
        assert time.monotonic() < end, f"it has not come to that: {status}\n{events(server)}"
        time.sleep(0.2)


def log_files(server: SystemdBoard, name: str) -> list[Path]:
    return sorted((server.home / ".edgeproof" / "services" / APP / name).glob("*.jsonl"))


def events(server: SystemdBoard) -> list[tuple[str, str]]:
    text = "".join(path.read_text() for path in log_files(server, "events"))
    return [(line["event"], line["text"]) for line in map(json.loads, text.splitlines())]


def log_end(status: ServiceStatus) -> int:
    return 0 if status.log is None else status.log.end


def test_the_board_that_systemd_runs_on_cannot_write_to_this_machine(server: SystemdBoard, tmp_path: Path) -> None:
    tried = (tmp_path, Path("/var"), Path("/run"), Path("/etc"), Path.home(), BUILT.parents[1])
    words = "; ".join(f"echo reached > {folder}/edgeproof-reached" for folder in tried)
    with open_board(server.profile) as opened:
        channel = opened.transport.open(f"{words}; echo done")
        assert channel.receive(100, Deadline(20, "the words")) == b"done\n"
        channel.close()
    assert not [folder for folder in tried if (folder / "edgeproof-reached").exists()]


def test_a_service_survives_a_power_cut_and_a_lost_camera_and_all_that_it_found_comes_home_once(
    server: SystemdBoard, camera: MjpegCamera, edgeproof: Command, tmp_path: Path
) -> None:
    out = tmp_path / "found"
    source = camera.url.replace("//", "//me:s3cret@")
    installed = edgeproof("service", "install", "desk", "--source", source, "--stable-seconds", 1)
    assert f"{APP}: active/running, {camera.url}" in installed.stdout
    assert "starts with the board" in installed.stdout
    first = wait_for(server, lambda status: log_end(status) > 2000 and not status.on_trial)
    assert first.proven == first.current
    edgeproof("service", "pull", "desk", "--out", out)

    server.cut_power()
    server.boot()
    again = wait_for(server, lambda status: status.active and log_end(status) > log_end(first) + 2000)
    assert again.log is not None
    assert first.log is not None
    assert again.log.identity == first.log.identity
    edgeproof("service", "pull", "desk", "--out", out)

    camera.pulled.set()
    wait_for(server, lambda status: "waiting for http" in status.state["StatusText"])
    camera.pulled.clear()
    found = wait_for(server, lambda status: log_end(status) > log_end(again) + 2000)
    assert found.active
    assert found.state["NRestarts"] == "0", "a lost camera is no reason to start again"

    stopped = edgeproof("service", "stop", "desk")
    assert "is stopped" in stopped.stdout
    last = edgeproof("service", "pull", "desk", "--out", out, "--app", APP)
    assert "0 lines" in edgeproof("service", "pull", "desk", "--out", out).stdout, last.stdout
    (pulled,) = out.glob("*.jsonl")
    assert pulled.read_bytes() == b"".join(path.read_bytes() for path in log_files(server, "detections"))
    lines = [json.loads(line) for line in pulled.read_text().splitlines()]
    runs = [line for line in lines if line.get("event") == "started"]
    assert [run["source"] for run in runs] == [camera.url] * 2
    frames = [line for line in lines if "frame" in line]
    for line in frames:
        (item,) = line["detections"]
        left, top, *_ = item["bbox"]
        assert item["label"] == "bright"
        assert round(top / 32) == 3
        assert abs(left / 32 - round(left / 32)) < 0.2
    numbers = [line["frame"] for line in frames]
    restarts = [place for place, (one, other) in enumerate(itertools.pairwise(numbers)) if other <= one]
    assert len(restarts) == 1, "each run numbers its frames, none twice"

    server.cut_power()
    server.boot()
    assert not wait_for(server, lambda _: True).active, "what was stopped stays so"
    shown = edgeproof("service", "logs", "desk").stdout
    for words in (
        "active: tiny int8",
        "healthy: bundle",
        "source: the source is lost",
        "brings pictures again",
        "stopped: by the wish",
    ):
        assert words in shown
    everything = shown + installed.stdout + pulled.read_text()
    assert "s3cret" not in everything


def test_a_new_bundle_is_switched_to_and_one_that_never_gets_healthy_is_given_up(
    server: SystemdBoard, camera: MjpegCamera, edgeproof: Command, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    edgeproof("service", "install", "desk", "--source", camera.url, "--stable-seconds", 1)
    old = wait_for(server, lambda status: not status.on_trial).current
    edgeproof("push", "desk", tiny_bundles["float32"], "--app", APP)
    new = wait_for(server, lambda status: status.current != old and not status.on_trial).current
    broken = open_bundle(broken_bundle(tiny_bundles["int8"], tmp_path / "broken"))
    with open_board(server.profile) as opened:  # a push would have refused it
        send_bundle(opened.store, broken)
        opened.store.switch(APP, broken.digest)
    back = wait_for(server, lambda status: status.rejected is not None and status.active)
    assert (back.current, back.proven) == (new, new)
    assert back.rejected is not None
    assert (back.rejected.digest, back.rejected.words) == (broken.digest, "it was not healthy in 3 tries")
    assert [name for name, _ in events(server)].count("failed") == 3
    shown = edgeproof("service", "status", "desk").stdout
    assert f"bundle {broken.digest[:12]} was given up" in shown
    assert edgeproof("status", "desk", "--app", APP).stdout.count(str(new)[:12]) == 1


def test_a_loop_that_stands_still_is_ended_and_a_crash_on_trial_brings_back_the_bundle_of_before(
    server: SystemdBoard, camera: MjpegCamera, tiny_bundles: dict[str, Path]
) -> None:
    settings = ServiceSettings(stable_seconds=1.0, watchdog_seconds=2.0)
    with open_board(server.profile) as opened:
        install_service(opened, APP, parse_source(camera.url), CaptureSettings(), settings)
    running = wait_for(server, lambda status: status.active and not status.on_trial)
    signal_main(server, signal.SIGSTOP)
    hung = wait_for(server, lambda status: status.active and status.state["NRestarts"] == "1")
    assert hung.state["MainPID"] != running.state["MainPID"]

    with open_board(server.profile) as opened:
        patient = ServiceSettings(stable_seconds=60.0)
        install_service(opened, APP, parse_source(camera.url), CaptureSettings(), patient)
        push_bundle(opened, open_bundle(tiny_bundles["float32"]), APP)
    pids: set[str] = set()
    for number in range(1, 4):
        tried = wait_for(
            server,
            lambda status, number=number: (
                status.active  # type: ignore[misc]
                and status.tries == number
                and status.state["MainPID"] not in pids
            ),
        )
        pids.add(tried.state["MainPID"])
        signal_main(server, signal.SIGKILL)
    back = wait_for(server, lambda status: status.rejected is not None and status.active)
    assert back.current == running.current


def signal_main(server: SystemdBoard, number: signal.Signals) -> None:
    """To the process that runs the service, found by its command line: the board's process numbers are its own."""
    mark = f"{server.home}/.edgeproof\0{APP}\0".encode()
    (pid,) = [
        int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if read_if_there(path).endswith(mark)
    ]
    os.kill(pid, number)


def read_if_there(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_without_a_service_or_with_a_source_that_ends_the_right_words_come(
    server: SystemdBoard, edgeproof: Command, tmp_path: Path
) -> None:
    refused = edgeproof("service", "install", "desk", "--source", "board:/a.mp4", expect=2)
    assert "board:/a.mp4 has an end, and a service has none" in " ".join(refused.stderr.split())
    assert "has no service" in edgeproof("service", "status", "desk").stdout
    nothing = edgeproof("service", "stop", "desk", "--app", "other", expect=2)
    assert "there is no service for the app other" in nothing.stderr
    remove = edgeproof("service", "remove", "desk", "--app", "other", expect=2)
    assert "there is no service for the app other" in remove.stderr


def test_an_app_that_a_service_runs_is_not_removed_and_goes_on_through_a_prune(
    server: SystemdBoard, camera: MjpegCamera, edgeproof: Command
) -> None:
    edgeproof("service", "install", "desk", "--source", camera.url, "--stable-seconds", 1)
    running = wait_for(server, lambda status: status.active and not status.on_trial)
    refused = " ".join(edgeproof("app", "remove", "desk", "--app", APP, expect=2).stderr.split())
    assert f"a service runs the app {APP}" in refused
    assert "edgeproof service remove BOARD --app NAME" in refused
    edgeproof("prune", "desk")
    edgeproof("service", "stop", "desk")
    edgeproof("prune", "desk")
    edgeproof("service", "start", "desk")
    again = wait_for(server, lambda status: status.active)
    assert again.current == running.current
    edgeproof("service", "remove", "desk", "--app", APP)
    edgeproof("app", "remove", "desk", "--app", APP)
    assert str(running.current)[:12] in edgeproof("prune", "desk").stdout


def test_what_a_service_runs_with_stays_when_a_board_is_pruned_and_all_of_it_goes_when_it_is_removed(
    server: SystemdBoard, camera: MjpegCamera, edgeproof: Command
) -> None:
    edgeproof("service", "install", "desk", "--source", camera.url)
    edgeproof("service", "stop", "desk")
    store = server.home / ".edgeproof"
    described = json.loads((store / "services" / APP / "service.json").read_text())
    old = f"{'0' * 63}1"
    (store / "agents" / described["agent"]).rename(store / "agents" / old)
    described["agent"] = old
    (store / "services" / APP / "service.json").write_text(json.dumps(described))
    edgeproof("prune", "desk")
    assert (store / "agents" / old).is_dir(), "of another version, and a service needs it"
    with open_board(server.profile) as opened:
        remove_service(opened, APP)
    assert not (store / "services" / APP).exists()
    assert not list((server.home / ".config/systemd/user").rglob(f"*{APP}*"))
    assert old[:12] in edgeproof("prune", "desk").stdout
