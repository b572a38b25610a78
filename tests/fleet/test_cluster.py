"""Cells of a check on a Dask cluster: real scheduler and worker processes, one of which is killed midway."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.cluster.engine import results
from edgeproof.cluster.task import CellTask
from tests.support.boards.board_fleet import BoardFleet, provisioned_home
from tests.support.places import BUILT

distributed = pytest.importorskip("distributed", reason="distributed is not installed: no cluster is tested")

BUNDLES = ("int8", "float32", "dynamic")


@pytest.fixture(scope="module")
def fleet() -> Iterator[BoardFleet]:
    with BoardFleet(BUILT / "boards" / "fleet-cluster", 4, template=provisioned_home()) as boards:
        yield boards


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with (tmp_path / "scheduler.log").open("w") as log:
        process = subprocess.Popen([*command, "--no-dashboard", "--scheduler-file", str(file)], stdout=log, stderr=log)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError, ValueError):
                address: str = json.loads(file.read_text())["address"]
                break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def start_worker(address: str, folder: Path, *boards: str) -> "subprocess.Popen[str]":
    """Near its boards: the only one that knows how they are reached."""
    command = [sys.executable, "-m", "edgeproof", "worker", address, *(f"--boards={board}" for board in boards)]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("offering"):
            return process
    raise AssertionError("the worker did not start")


def cells_of(report: Path) -> list[tuple[str, str, str]]:
    runs = json.loads(report.read_text())["runs"]
    return [(run["bundle"]["variant"], run["board"]["name"], run["gates"][0]["answer"]) for run in runs]


def test_a_lost_worker_costs_no_cell_and_doubles_none(
    fleet: BoardFleet, scheduler: str, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    lab, office = tmp_path / "lab", tmp_path / "office"
    lab.mkdir()
    office.mkdir()
    fleet.write_config(lab)
    workers = [
        start_worker(scheduler, lab, "board-000", "board-001"),
        start_worker(scheduler, lab, "board-002", "board-003"),
        start_worker(scheduler, lab, "board-000", "board-001"),  # beside the first one
    ]
    named = [part for name in BUNDLES for part in ("--bundle", str(tiny_bundles[name]))]
    arguments = ["--runs", "64", "--gate", "size < 10 MB", "--out", "check", *named]
    command = [sys.executable, "-m", "edgeproof", "check", "all", "--on", scheduler, *arguments]
    environment = {**os.environ, "EDGEPROOF_HISTORY": str(office / "history.sqlite3")}
    try:
        with subprocess.Popen(command, cwd=office, stdout=subprocess.PIPE, text=True, env=environment) as check:
            assert check.stdout is not None
            lines = []
            for line in check.stdout:
                lines.append(line)
                if line.startswith("1 of 12: "):
                    os.killpg(workers[0].pid, signal.SIGKILL)
        assert check.returncode == 0, "".join(lines)
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.communicate()
    one_host = [sys.executable, "-m", "edgeproof", "check", "all", *arguments]
    done = subprocess.run(
        one_host,
        cwd=lab,
        capture_output=True,
        text=True,
        env={**environment, "EDGEPROOF_HISTORY": str(lab / "h.sqlite3")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measured = cells_of(office / "check" / "report.json")
    assert measured == cells_of(lab / "check" / "report.json")
    assert len(set(measured)) == len(measured) == 12
    history = [sys.executable, "-m", "edgeproof", "history"]
    kept = subprocess.run(history, cwd=office, capture_output=True, text=True, env=environment).stdout
    assert all(kept.count(name) == 3 for name in fleet.names), kept


def test_a_board_that_no_worker_offers_is_given_up_alone(fleet: BoardFleet, tiny_bundles: dict[str, Path]) -> None:
    from edgeproof.check.matrix import Wanted, cells_of
    from edgeproof.cluster.engine import cluster
    from edgeproof.config.boards import BoardProfile
    from edgeproof.config.check import CheckConfig

    nobody = BoardProfile(host="nobody", name="nobody")
    wanted = Wanted((nobody,), (tiny_bundles["int8"],), gates=("size < 1 MB",))
    cells = cells_of(CheckConfig(), None, wanted, ())
    with cluster("local:1", fleet.profiles[:1]) as client:
        found = dict(results(client, cells, lost_seconds=0.5))
    assert found[0].run is None
    assert "no worker has offered nobody" in found[0].message


def test_how_a_board_is_reached_does_not_travel(fleet: BoardFleet, tiny_bundles: dict[str, Path]) -> None:
    import pickle

    from edgeproof.check.matrix import Wanted, cells_of
    from edgeproof.config.check import CheckConfig

    wanted = Wanted((fleet.profiles[0],), (tiny_bundles["int8"],), gates=("size < 1 MB",))
    (cell,) = cells_of(CheckConfig(), None, wanted, ())
    sent = pickle.dumps(CellTask.of(cell))
    for secret in (fleet.profiles[0].identity_file, fleet.profiles[0].known_hosts, str(tiny_bundles["int8"])):
        assert secret is not None
        assert secret.encode() not in sent
    assert fleet.profiles[0].name.encode() in sent
