"""A service as a process on every Python that the agent supports: its words to its manager, and what it writes down."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeproof.board.deploy import choose_runtime
from edgeproof.board.store.agent_object import agent_object
from edgeproof_agent.store.objects import Kind, Store
from edgeproof_agent.store.services.description import ServiceDescription, service_folder, write_description
from edgeproof_agent.store.services.probation import read_probation
from edgeproof_agent.store.services.units import UNFIT_STATUS, service_command
from edgeproof_agent.wire.fields import Fields
from tests.contract.seeing import png
from tests.support.boards.local_board import LocalBoard
from tests.support.networks.tiny_ssd import draw_square

APP = "service-test"
WAIT_SECONDS = 60.0


class Manager:
    """Starts the service as systemd would, and listens at its notify socket."""

    def __init__(self, board: LocalBoard, folder: Path, source: str) -> None:
        chosen = choose_runtime(board.opened, board.runtime)
        board.store.send(agent_object(), "the agent")
        self.store = Store(Path(board.store.root))
        self.description = ServiceDescription.read(
            Fields(
                {
                    "app": APP, "scope": "user", "agent": agent_object().digest, "runtime": chosen.digest,
                    "runtime_name": chosen.name, "stream": {"source": source}, "min_score": 0.6, "log_mib": 1,
                    "threads": 1, "cores": "all", "start_seconds": 60.0, "stable_seconds": 0.0, "tries": 3,
                    "watchdog_seconds": 60.0,
                }
            )
        )  # fmt: skip
        write_description(self.store, self.description)
        self._address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._address))
        self._socket.settimeout(WAIT_SECONDS)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "NOTIFY_SOCKET": str(self._address)}
        command = service_command(self.store, self.description)
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        return self.process

    def wait_for(self, wanted: Callable[[str], bool]) -> list[str]:
        """What it has said until then."""
        said = []
        while True:
            said.append(self._socket.recv(4096).decode())
            if wanted(said[-1]):
                return said

    def lines(self, log: str) -> list[dict[str, Any]]:
        files = sorted((service_folder(self.store, APP) / log).glob("*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._socket.close()


@pytest.fixture
def manager(board: LocalBoard, tmp_path: Path) -> Iterator[Manager]:
    (tmp_path / "in").mkdir()
    board.store.switch(APP, board.bundles["int8"])
    manager = Manager(board, tmp_path, f"watch:{tmp_path / 'in'}")
    manager_folder = service_folder(manager.store, APP)
    for path in [*manager_folder.glob("*/*.jsonl"), *manager_folder.glob("probation.json")]:
        path.unlink()
    yield manager
    manager.close()


def put(folder: Path, name: str, column: int) -> None:
    partial = folder / f".{name}"
    partial.write_bytes(png(draw_square("bright", 3, column)))
    partial.rename(folder / name)


def wait_until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_is_ready_once_its_bundle_has_run_writes_down_what_it_finds_and_ends_when_it_is_told(
    manager: Manager, board: LocalBoard, tmp_path: Path
) -> None:
    process = manager.start()
    said = manager.wait_for(lambda word: word == "WATCHDOG=1")
    assert [word for word in said if not word.startswith("STATUS=")] == ["READY=1", "WATCHDOG=1"]
    wait_until(lambda: any(event["event"] == "source" for event in manager.lines("events")))
    wait_until(lambda: read_probation(service_folder(manager.store, APP) / "probation.json").proven is not None)
    for column in range(3):
        put(tmp_path / "in", f"{column}.png", column)
    wait_until(lambda: len([line for line in manager.lines("detections") if "frame" in line]) == 3)
    again = subprocess.run(service_command(manager.store, manager.description), capture_output=True, text=True)
    assert (again.returncode, "another process runs this service" in again.stderr) == (3, True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_SECONDS) == 0
    assert manager.wait_for(lambda word: word == "STOPPING=1")
    frames = {str(line["file_name"]): line for line in manager.lines("detections") if "frame" in line}
    for column in range(3):
        (found,) = frames[f"{column}.png"]["detections"]
        left, top, width, height = found["bbox"]
        assert (round(left / 32), round(top / 32), round(width / 32), round(height / 32)) == (column, 3, 1, 1)
        assert found["label"] == "bright"
    told = [event["event"] for event in manager.lines("events")]
    assert told == ["active", "healthy", "source", "stopped"] or told == ["active", "source", "healthy", "stopped"]


def test_it_ends_when_the_app_points_at_another_bundle_and_starts_with_that(
    manager: Manager, board: LocalBoard
) -> None:
    process = manager.start()
    manager.wait_for(lambda word: word == "READY=1")
    board.store.switch(APP, board.bundles["float32"])
    assert process.wait(WAIT_SECONDS) == 0
    manager.wait_for(lambda word: word == "STOPPING=1")
    manager.start()
    manager.wait_for(lambda word: word == "READY=1")
    started = [line["bundle"] for line in manager.lines("detections") if line.get("event") == "started"]
    assert started == [board.bundles["int8"], board.bundles["float32"]]


def test_what_cannot_run_says_so_and_is_not_started_again(manager: Manager, tmp_path: Path) -> None:
    write_description(manager.store, replace(manager.description, stream={"source": "nothing://"}))
    assert manager.start().wait(WAIT_SECONDS) == UNFIT_STATUS
    assert "is not well described" in str(manager.lines("events")[-1]["text"])
    (service_folder(manager.store, APP) / "service.json").write_text("{")
    assert manager.start().wait(WAIT_SECONDS) == UNFIT_STATUS
    write_description(manager.store, replace(manager.description, runtime_name="tensorflow-huge"))
    assert manager.start().wait(WAIT_SECONDS) == 1
    assert manager.lines("events")[-1]["event"] == "failed"
    assert manager.store.has(Kind.RUNTIME, manager.description.runtime)
