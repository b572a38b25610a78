"""The unit of a service, as systemd's own checker and its own parser of command lines read it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof_agent.store.objects import Kind, Store, StoreError
from edgeproof_agent.store.prune import prune
from edgeproof_agent.store.services.description import (
    SCOPES,
    ServiceDescription,
    read_description,
    service_folder,
    write_description,
)
from edgeproof_agent.store.services.systemd import Answer, Systemd
from edgeproof_agent.store.services.units import service_command, unit_text
from edgeproof_agent.wire.fields import FieldError, Fields

DESCRIPTION = {
    "app": "door",
    "scope": "user",
    "agent": "a" * 64,
    "runtime": "b" * 64,
    "runtime_name": "ai-edge-litert",
    "stream": {"source": "rtsp://me:s3cret@camera/1", "capture": {}},
    "min_score": 0.5,
    "log_mib": 64,
    "threads": 2,
    "cores": "all",
    "delegate": None,
    "start_seconds": 150.0,
    "stable_seconds": 60.0,
    "tries": 3,
    "watchdog_seconds": 60.0,
}


def described(**changes: object) -> ServiceDescription:
    return ServiceDescription.read(Fields({**DESCRIPTION, **changes}))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("folder", ["plain", "with blank", 'a "b" $HOME 100%h \\x', "günther's"])
def test_systemd_reads_the_unit_as_it_is_meant(tmp_path: Path, folder: str, scope: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("units were not checked: sudo apt install systemd")
    store = Store(tmp_path / folder / ".edgeproof")
    description = described(scope=scope)
    python = Path(service_command(store, description)[0])
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    unit = tmp_path / "edgeproof-door.service"
    unit.write_text(unit_text(store, description, "root"))
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "edgeproof-door" in line]
    assert ours == []
    assert done.returncode == 0 or "edgeproof-door" not in done.stderr


def test_the_description_is_read_as_it_was_written_and_by_its_owner_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_description(store, described())
    assert read_description(store, "door") == described()
    path = service_folder(store, "door") / "service.json"
    assert path.stat().st_mode & 0o77 == 0, "it may hold a password"
    path.write_text(json.dumps({**DESCRIPTION, "app": "other"}))
    with pytest.raises(StoreError, match="is of another app"):
        read_description(store, "door")
    with pytest.raises(StoreError, match="there is no service for the app window"):
        read_description(store, "window")
    with pytest.raises(StoreError, match="not a name"):
        read_description(store, "../door")


@pytest.mark.parametrize(
    "change", [{"app": "a/b"}, {"agent": "x"}, {"scope": "root"}, {"tries": 0}, {"stream": 1}, {"log_mib": 0}]
)
def test_a_description_that_is_none_is_refused_by_its_field(change: dict[str, object]) -> None:
    with pytest.raises(FieldError, match=next(iter(change)) if change != {"agent": "x"} else "sha-256"):
        described(**change)


def test_what_a_service_needs_is_not_pruned_and_a_broken_description_keeps_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.lock(1)
    for kind, digest in ((Kind.AGENT, "a" * 64), (Kind.AGENT, "c" * 64), (Kind.RUNTIME, "b" * 64)):
        store.path(kind, digest).mkdir()
    write_description(store, described())
    dropped = prune(store, {Kind.AGENT: (), Kind.RUNTIME: ()}, dry_run=False)
    assert [item.name for item in dropped] == ["c" * 64]
    (service_folder(store, "door") / "service.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        prune(store, {Kind.AGENT: (), Kind.RUNTIME: ()}, dry_run=False)
    assert store.has(Kind.AGENT, "a" * 64)


def test_a_board_without_systemd_is_told_what_its_own_init_has_to_run(tmp_path: Path) -> None:
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("busybox\n")
    with pytest.raises(StoreError, match="its first program is busybox.*run, and to start again.*: run --it") as caught:
        Systemd("user", tmp_path).require(["run", "--it"])
    assert caught.value.kind == "nosystemd"


def test_a_login_that_may_not_linger_is_told_so_after_both_ways_were_tried(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: object, environment: object) -> Answer:
        asked.append(list(command))  # type: ignore[call-overload]
        return Answer(1, "", "no")

    with pytest.raises(StoreError, match="end with the last login") as caught:
        Systemd("user", tmp_path, run).require_lasting()
    assert caught.value.kind == "linger"
    assert [words[0] for words in asked] == ["loginctl", "sudo"]
