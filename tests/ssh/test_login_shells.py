"""First contact with boards behind real servers: every login shell, and login files that get in the way."""

import shutil
from collections.abc import Iterator

import pytest

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.client import open_store
from tests.support.boards.login_board import LoginBoard, login_board

SHELLS = ("sh", "bash", "dash", "busybox ash", "mksh", "zsh", "fish", "bsd-csh", "tcsh")

AWKWARD = {
    r"""printf '%s|' 'a!b' 'c\' "d'e" 'f\\g' "$((1+1))"; cat; exit 7""": b"a!b|c\\|d'e|f\\\\g|2|sent",
    "printf '%s|' 'one\ntwo' '`'; cat; exit 7": b"one\ntwo|`|sent",
    r"""printf '%s|' 'c\' 'd\\e'; cat; exit 7""": b"c\\|d\\\\e|sent",
    "printf '%s|' wow!; cat; exit 7": b"wow!|sent",
}
"""Commands with letters of which each means something to one login shell or another, and what they print."""


@pytest.fixture(scope="module", params=["openssh", "dropbear"])
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginBoard]:
    with login_board(tmp_path_factory.mktemp("login") / "board", request.param) as running:
        yield running


def shell_path(board: LoginBoard, name: str) -> str:
    """Where a login shell is; a program that is a shell by its name gets a link."""
    program, _, applet = name.partition(" ")
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (apt-get install {program}): this login shell was not tested")
    if not applet:
        return found
    link = board.folder / applet
    if not link.exists():
        link.symlink_to(found)
    return str(link)


@pytest.mark.parametrize("name", SHELLS)
def test_every_login_shell_carries_the_command_and_starts_the_store_service(board: LoginBoard, name: str) -> None:
    board.set_up(shell_path(board, name))
    with connect(board.profile) as transport:
        with open_store(transport, board.profile.python) as store:
            assert store.root == f"{board.home}/.edgeproof"
        for command, printed in AWKWARD.items():
            channel = transport.open(command)
            channel.send(b"sent", Deadline(10, "the test"))
            channel.end_input()
            data = b""
            while part := channel.receive(100, Deadline(10, "the test")):
                data += part
            assert data == printed
            assert channel.wait(Deadline(10, "the test")).code == 7
