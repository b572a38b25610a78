"""A server that stops answering ends in an error within a limit, at whatever moment it falls silent."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from edgeproof.board.link import first_contact
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.ssh import route
from edgeproof.board.ssh import transport as ssh
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import BoardUnreachableError, LoginShellError


class SilentServer(paramiko.ServerInterface):
    """Lets everybody in and then does not answer what a command is started with, or starts it and says nothing."""

    def __init__(self, starts: bool) -> None:
        self._starts = starts
        self.over = threading.Event()

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if not self._starts:
            self.over.wait(60)
        return True


@pytest.fixture
def silent(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BoardProfile]:
    for module in (route, ssh):
        monkeypatch.setattr(module, "CONNECT_SECONDS", 2.0)
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "key"))
    server = SilentServer(starts=request.param == "after the start")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def accept() -> None:
            connection, _ = listener.accept()
            if request.param == "at once":
                server.over.wait(60)
                connection.close()
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.start_server(server=server)
            server.over.wait(60)
            transport.close()

        threading.Thread(target=accept, daemon=True).start()
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        yield BoardProfile(
            name="desk",
            host="127.0.0.1",
            user="pi",
            port=port,
            identity_file=str(tmp_path / "key"),
            known_hosts=str(tmp_path / "known_hosts"),
        )
        server.over.set()


@pytest.mark.parametrize("silent", ["at once"], indirect=True)
def test_before_its_banner(silent: BoardProfile) -> None:
    with pytest.raises(BoardUnreachableError, match="does not complete an SSH handshake"):
        ssh.connect(silent)


@pytest.mark.parametrize("silent", ["before the start"], indirect=True)
def test_before_a_command_is_started(silent: BoardProfile) -> None:
    with ssh.connect(silent) as transport, pytest.raises(BoardUnreachableError, match="the connection to desk broke"):
        transport.open("true")


@pytest.mark.parametrize("silent", ["after the start"], indirect=True)
def test_after_a_command_was_started(silent: BoardProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contact, "READY_SECONDS", 0.5)
    monkeypatch.setattr(first_contact, "END_SECONDS", 0.2)
    with ssh.connect(silent) as transport:
        channel = transport.open("true")
        start = time.monotonic()
        for _ in range(3):
            with pytest.raises(LoginShellError, match="desk has not started a command within 0.5 s"):
                channel.receive(1, Deadline(5, "the test"))
        assert time.monotonic() - start < 3, "what failed once is not waited for again"
        with pytest.raises(LoginShellError):
            channel.send(b"x" * 65536, Deadline(5, "the window"))
        with pytest.raises(LoginShellError):
            channel.wait(Deadline(5, "the end"))
