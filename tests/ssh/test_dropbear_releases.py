"""Boards whose Dropbear is older or newer than this machine's: everything goes over them, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.board.deploy import send_bundle
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.client import open_store
from edgeproof.bundle import Bundle, open_bundle, write_bundle
from edgeproof_agent.store.objects import Kind
from tests.support.boards.dropbears import RELEASES, dropbear_of, version_of
from tests.support.boards.login_board import LoginBoard, login_board


@pytest.fixture(scope="module", params=RELEASES)
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginBoard]:
    program = dropbear_of(request.param)
    print(f"Dropbear {version_of(program)}")  # noqa: T201  # part of what a failure shows
    with login_board(tmp_path_factory.mktemp("dropbear") / "board", "dropbear", dropbear=str(program)) as running:
        yield running


@pytest.fixture(scope="module")
def bundle(tiny_bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Of some megabytes, more than a channel's window."""
    model = bytes(range(256)) * 16_000
    manifest = open_bundle(tiny_bundles["int8"]).manifest
    return write_bundle(tmp_path_factory.mktemp("large") / "bundle", manifest, model, ["a"])


def test_the_store_takes_a_bundle_and_a_second_session_runs_beside(board: LoginBoard, bundle: Bundle) -> None:
    with connect(board.profile) as transport, open_store(transport, board.profile.python) as store:
        assert send_bundle(store, bundle).payload_bytes > 0
        channel = transport.open("printf '%s|' 'a!b' 'c\\'; cat; exit 7")
        channel.send(b"sent", Deadline(10, "the test"))
        channel.end_input()
        data = b""
        while part := channel.receive(100, Deadline(10, "the test")):
            data += part
        assert data == b"a!b|c\\|sent"
        assert channel.wait(Deadline(10, "the test")).code == 7
        assert store.verify(bundle.digest)
        assert store.path(Kind.BUNDLE, bundle.digest).startswith(str(board.home))


def test_a_connection_outlives_its_last_command(board: LoginBoard, bundle: Bundle) -> None:
    with connect(board.profile) as transport:
        for _ in range(2):
            with open_store(transport, board.profile.python) as store:
                assert bundle.digest in store.inventory.bundles
