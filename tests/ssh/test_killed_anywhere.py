"""kill -9 of OpenSSH's session, of the store service and of the agent, at every operation of a push."""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.board.deploy import push_bundle
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.board.provision import provision
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.client import open_store
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.errors import EdgeproofError
from tests.support.boards.openssh_server import OpenSshBoard
from tests.support.boards.ssh_servers import Server
from tests.support.faulty_transport import FaultyTransport, Strike
from tests.support.processes import children, command_line
from tests.support.whole_bundles import served_digest, tune

APP = "killed"
VICTIMS = {"sshd": "sshd", "store service": "store.operations", "agent": "edgeproof_agent.__main__"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("server", ["openssh"], indirect=True)
@pytest.mark.parametrize("victim", VICTIMS)
def test_the_board_serves_a_whole_bundle_and_the_next_push_succeeds(
    server: Server,
    victim: str,
    tiny_bundles: dict[str, Path],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    start = open_bundle(tiny_bundles["float32"])
    with open_board(server.profile) as board:
        provision(board)
        push_bundle(board, start, APP)
    everything = Strike()
    served = _push(server, tune(start, tmp_path / "0", os.getpid()), everything)
    struck = 0
    for at in range(1, everything.operations + 1):
        strike = Strike("kill", at, lambda: _kill(server, VICTIMS[victim]))
        new = tune(start, tmp_path / str(at), os.getpid() + at)
        before, done = served, ""
        with contextlib.suppress(EdgeproofError):
            done = _push(server, new, strike)
        served = served_digest(server.home, APP) or "nothing"
        assert served in ((new.digest,) if done else (before, new.digest)), f"kill of {victim} at operation {at}"
        struck += strike.struck
        if strike.struck:
            served = _push(server, new, Strike())
            assert served_digest(server.home, APP) == new.digest
    assert struck >= 5
    record_property("fault_points", struck)


def _push(server: Server, bundle: Bundle, strike: Strike) -> str:
    connection = FaultyTransport(connect(server.profile), strike)
    with connection as transport, open_store(transport, server.profile.python) as store:
        push_bundle(OpenBoard(transport, store), bundle, APP)
    return bundle.digest


def _kill(server: Server, word: str) -> bool:
    """Kills the processes below the server whose command line holds a word; tells whether there was one."""
    assert isinstance(server, OpenSshBoard)
    assert server.process is not None
    found = [pid for pid in _descendants(server.process.pid) if word in command_line(pid)]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def _descendants(pid: int) -> list[int]:
    return [pid for child in children(pid) for pid in (child, *_descendants(child))]
