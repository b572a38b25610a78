"""Rollback, status, prune and signatures by the command line, on a board behind a real SSH server."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.board.deploy import open_session, send_bundle
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.bundle import Bundle, open_bundle, write_bundle
from edgeproof_agent.store.objects import Kind
from tests.support.boards.ssh_servers import Command, Server, write_config
from tests.support.places import ROOT


@pytest.fixture
def store(server: Server) -> Iterator[Path]:
    """The board's store, provisioned, with no app, no policy and no host of another test."""
    shutil.rmtree(server.home / ".edgeproof/hosts", ignore_errors=True)
    with open_board(server.profile) as board:
        provision(board)
    root = server.home / ".edgeproof"
    shutil.rmtree(root / "apps", ignore_errors=True)
    (root / "allowed_signers").unlink(missing_ok=True)
    yield root
    (root / "allowed_signers").unlink(missing_ok=True)


@pytest.fixture
def bundles(tiny_bundles: dict[str, Path]) -> dict[str, Bundle]:
    return {variant: open_bundle(tiny_bundles[variant]) for variant in ("float32", "int8", "float16")}


def short(bundle: Bundle) -> str:
    return bundle.digest[:12]


def current(store: Path, app: str) -> str:
    return (store / "apps" / app / "current").resolve().name


def test_a_rollback_goes_back_and_a_second_one_forward_again(
    store: Path, edgeproof: Command, bundles: dict[str, Bundle]
) -> None:
    old, new = bundles["float32"], bundles["int8"]
    edgeproof("push", "desk", old.path, "--app", "people")
    alone = edgeproof("rollback", "desk", expect=2)
    assert "people on desk has no previous bundle to go back to" in alone.stderr
    edgeproof("push", "desk", new.path, "--app", "people")
    done = edgeproof("rollback", "desk")
    assert f"people on desk serves {short(old)} (float32) again, before {short(new)} (int8)" in done.stdout
    assert current(store, "people") == old.digest
    again = edgeproof("rollback", "desk", "--app", "people")
    assert f"serves {short(new)} (int8) again, before {short(old)} (float32)" in again.stdout
    nobody = edgeproof("rollback", "desk", "--app", "nobody", expect=2)
    assert "desk has no app nobody" in nobody.stderr


@pytest.mark.parametrize("what", ["labels.txt", "model.tflite"])
def test_a_previous_bundle_that_changed_on_the_board_is_not_gone_back_to(
    store: Path, edgeproof: Command, bundles: dict[str, Bundle], what: str
) -> None:
    old, new = bundles["float16"], bundles["int8"]
    for bundle in (old, new):
        edgeproof("push", "desk", bundle.path, "--app", "people")
    path = store / "bundles" / old.digest / what
    content = path.read_bytes()
    # The last bytes of a model are no part of its graph: it still loads and runs.
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        refused = edgeproof("rollback", "desk", expect=2)
    finally:
        shutil.rmtree(path.parent)
    assert "Traceback" not in refused.stderr
    assert current(store, "people") == new.digest


def test_status_tells_what_is_served_since_when_and_what_it_takes(
    store: Path, edgeproof: Command, bundles: dict[str, Bundle]
) -> None:
    for variant in ("float32", "int8"):
        edgeproof("push", "desk", bundles[variant].path, "--app", "people")
    shown = edgeproof("status", "desk").stdout
    for part in ("people", "float32", "int8", short(bundles["int8"]), "just now", "MB free", "runtimes"):
        assert part in shown
    document = json.loads(edgeproof("status", "desk", "--json").stdout)
    assert document["board"] == "desk"
    served = document["apps"]["people"]
    assert served["current"]["digest"] == bundles["int8"].digest
    assert served["current"]["variant"] == "int8"
    assert served["previous"]["digest"] == bundles["float32"].digest
    assert served["current"]["age_seconds"] >= 0
    assert document["disk_bytes"]["runtimes"] > 10_000_000
    assert document["free_bytes"] > 0
    assert document["signature_required"] is False
    assert "desk has no app nobody" in edgeproof("status", "desk", "--app", "nobody", expect=2).stderr


def test_prune_drops_what_no_app_names_and_says_what_and_how_much(
    server: Server, store: Path, edgeproof: Command, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    for variant in ("float32", "int8"):
        edgeproof("push", "desk", bundles[variant].path, "--app", "people")
    loose = write_bundle(tmp_path / "loose", bundles["int8"].manifest, bytes(500_000), ["a", "b"])
    with open_board(server.profile) as board:
        send_bundle(board.store, loose)
    said = edgeproof("prune", "desk", "--dry-run").stdout
    assert f"bundle that no app names {short(loose)}: 0.5" in said
    assert "MB would be freed on desk" in said
    assert (store / "bundles" / loose.digest).is_dir()
    done = edgeproof("prune", "desk").stdout
    assert f"bundle that no app names {short(loose)}" in done
    assert "MB freed on desk" in done
    left = {path.name for path in (store / "bundles").iterdir()}
    assert left == {bundles["float32"].digest, bundles["int8"].digest}
    assert edgeproof("prune", "desk").stdout == "0.00 MB freed on desk\n"
    edgeproof("rollback", "desk")


def test_apps_are_listed_removed_and_let_go_of_their_previous_bundle(
    store: Path, edgeproof: Command, bundles: dict[str, Bundle]
) -> None:
    assert (
        "desk has no app yet. A push makes one: edgeproof push desk BUNDLE" in edgeproof("app", "list", "desk").stdout
    )
    for variant in ("float32", "int8"):
        edgeproof("push", "desk", bundles[variant].path, "--app", "people")
    edgeproof("push", "desk", bundles["float16"].path, "--app", "cars")
    listed = [line.split()[:5] for line in edgeproof("app", "list", "desk").stdout.splitlines()]
    name = bundles["int8"].manifest.name
    assert listed[1:] == [
        ["cars", "current", name, "float16", short(bundles["float16"])],
        ["people", "current", name, "int8", short(bundles["int8"])],
        ["previous", name, "float32", short(bundles["float32"]), listed[3][4]],
    ]
    unknown = edgeproof("prune", "desk", "--app", "nobody", expect=2)
    assert "desk could not prune" in unknown.stderr
    assert "there is no app nobody; there are cars, people" in unknown.stderr
    assert (
        f"bundle that no app names {short(bundles['float32'])}" in edgeproof("prune", "desk", "--app", "people").stdout
    )
    assert "people on desk has no previous bundle" in edgeproof("rollback", "desk", "--app", "people", expect=2).stderr
    assert "cars is no longer on desk" in edgeproof("app", "remove", "desk", "--app", "cars").stdout
    again = edgeproof("app", "remove", "desk", "--app", "cars", expect=2)
    assert "there is no app cars; there are people" in again.stderr
    assert f"bundle that no app names {short(bundles['float16'])}" in edgeproof("prune", "desk").stdout
    assert {path.name for path in (store / "bundles").iterdir()} == {bundles["int8"].digest}


def test_another_version_of_edgeproof_on_another_machine_keeps_its_agent_and_runtime(
    server: Server, store: Path, edgeproof: Command, tmp_path: Path
) -> None:
    """A real second version: the package copied, with another agent and another runtime."""
    ours = {kind: {path.name for path in (store / kind).iterdir()} for kind in ("agents", "runtimes")}
    for package in ("host/edgeproof", "device/edgeproof_agent"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "device/edgeproof_agent/__init__.py").open("a") as file:
        file.write("\n# another version\n")
    releases = tmp_path / "host/edgeproof/board/runtime/releases.py"
    releases.write_text(releases.read_text().replace("_BUILD_REVISION = ", "_BUILD_REVISION = 1000 + "))
    config = write_config(tmp_path, server.profile)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}/host:{tmp_path}/device",
        "EDGEPROOF_CACHE": str(tmp_path / "cache"),
        "EDGEPROOF_CONFIG": str(config),
    }

    def theirs(*words: str) -> str:
        command = [sys.executable, "-m", "edgeproof", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "of another version" not in theirs("prune", "desk"), "what another machine needs stays"
    for kind, names in ours.items():
        assert names <= {path.name for path in (store / kind).iterdir()}
    said = theirs("prune", "desk", "--all-hosts", "--dry-run")
    assert all(f"runtime of another version {name[:12]}" in said for name in ours["runtimes"])
    assert len(list((store / "hosts").iterdir())) == 2
    edgeproof("prune", "desk", "--all-hosts")
    assert len(list((store / "hosts").iterdir())) == 1
    theirs("prune", "desk")
    for kind, names in ours.items():
        assert names <= {path.name for path in (store / kind).iterdir()}


def test_what_a_running_agent_uses_is_not_pruned(
    server: Server, store: Path, edgeproof: Command, bundles: dict[str, Bundle]
) -> None:
    with open_board(server.profile) as board:
        digest = send_bundle(board.store, bundles["float16"]).digest
        with open_session(board) as session:
            session.load(board.store.path(Kind.BUNDLE, digest))
            assert f"{digest[:12]}: 0.0" in (said := edgeproof("prune", "desk").stdout)
            assert "stays: it is in use" in said
            assert (store / "bundles" / digest).is_dir()
    edgeproof("prune", "desk")
    assert not (store / "bundles" / digest).exists()


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: signatures were not tried on a board")
    paths = {name: tmp_path / f"key-{name}" for name in ("ours", "theirs")}
    for path in paths.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return paths


def test_a_board_that_asks_for_signatures_takes_signed_bundles_alone(
    server: Server,
    store: Path,
    edgeproof: Command,
    bundles: dict[str, Bundle],
    keys: dict[str, Path],
    tmp_path: Path,
) -> None:
    old, new = bundles["float32"], bundles["int8"]
    edgeproof("push", "desk", old.path, "--app", "people")
    config = write_config(tmp_path, server.profile)
    without_policy = config.read_text()
    config.write_text(f'{without_policy}require_signature = "key-ours.pub"\n')
    unsigned = edgeproof("push", "desk", new.path, "--app", "people", expect=2)
    assert "this board takes signed bundles alone" in unsigned.stderr
    assert "edgeproof push --sign KEY" in unsigned.stderr
    config.write_text(without_policy)  # another host, whose profile asks for nothing
    wrong = edgeproof("push", "desk", new.path, "--app", "people", "--sign", keys["theirs"], expect=2)
    assert "not signed by a key that this board trusts" in wrong.stderr
    assert current(store, "people") == old.digest
    edgeproof("push", "desk", new.path, "--app", "people", "--sign", keys["ours"])
    assert current(store, "people") == new.digest
    assert json.loads(edgeproof("status", "desk", "--json").stdout)["apps"]["people"]["current"]["has_signature"]
    back = edgeproof("rollback", "desk", expect=2)
    assert "is not signed" in back.stderr
    edgeproof("push", "desk", old.path, "--app", "people", "--sign", keys["ours"])
    edgeproof("rollback", "desk")
    assert current(store, "people") == new.digest
    config.write_text(f'{without_policy}require_signature = ["key-theirs.pub"]\n')
    other = edgeproof("push", "desk", new.path, "--app", "people", expect=2)
    assert "delete" in other.stderr
    assert "allowed_signers on the board" in other.stderr
