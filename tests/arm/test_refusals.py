"""What an ARM board refuses, and what is refused on the way to it."""

from pathlib import Path

import msgspec
import pytest

from deploy.virtual_board.board import VirtualBoard
from edgeproof.board.deploy import push_bundle
from edgeproof.board.open_board import open_board
from edgeproof.board.ssh.transport import connect
from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.errors import DeploymentError, HostKeyError
from tests.support.boards.emulated import APP, ReadyBoard


@pytest.mark.parametrize("virtual", ["trixie"], indirect=True)
def test_a_bundle_that_does_not_run_there_leaves_the_app_as_it_was(
    board: ReadyBoard, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    good = open_bundle(tiny_bundles["int8"])
    whole = good.model_path.read_bytes()
    cut = whole[: len(whole) // 2]
    broken = write_bundle(tmp_path / "broken", good.manifest, cut, good.labels())
    with open_board(board.virtual.profile) as opened:
        push_bundle(opened, good, APP)
        with pytest.raises(DeploymentError, match=rf"does not run on virtual, so {APP} stays as it was"):
            push_bundle(opened, broken, APP)
        opened.store.refresh()
        assert opened.store.inventory.apps[APP].current == good.digest


def test_another_host_key_than_the_pinned_one_is_refused(virtual: VirtualBoard, tmp_path: Path) -> None:
    client_key = Path(str(virtual.profile.identity_file)).with_suffix(".pub").read_text().split()
    other = tmp_path / "known_hosts"
    other.write_text(f"[127.0.0.1]:{virtual.profile.port} {client_key[0]} {client_key[1]}\n")
    profile = msgspec.structs.replace(virtual.profile, known_hosts=str(other))
    with pytest.raises(HostKeyError, match="HAS CHANGED"):
        connect(profile)
    other.write_text("")
    with pytest.raises(HostKeyError, match="SHA256:"):
        connect(profile)
