"""An embedded board: an SSH server on this machine's loopback, with a home folder of its own.

It stands for a board on the desk: it is reached, provisioned and used over SSH like one, by key login alone.
"""

import fcntl
import json
import subprocess
import sys
import threading
from pathlib import Path

import asyncssh

from edgeproof.board.link.local import base_python
from edgeproof.config.boards import BoardProfile
from edgeproof.demo import ssh_server
from edgeproof.errors import BoardError

BOARD_NAME = "embedded"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class EmbeddedBoard:
    """Starts the server as a process of its own; use it as a context.

    `folder` holds the board's home and its keys; the host key is fresh at every start and pinned in `known_hosts`.
    """

    def __init__(self, folder: Path, python: str | None = None) -> None:
        self.folder = folder.resolve()
        self.home = self.folder / "home"
        self._python = python or base_python()
        self._server: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def profile(self) -> BoardProfile:
        """How to reach the board while it runs."""
        return BoardProfile(
            name=BOARD_NAME,
            host="127.0.0.1",
            user=ssh_server.USER,
            port=self._port,
            identity_file=str(self.folder / "client_key"),
            known_hosts=str(self.folder / "known_hosts"),
            python=self._python,
        )

    def __enter__(self) -> "EmbeddedBoard":
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise BoardError(
                f"another embedded board runs in {self.folder}: wait for it, or choose another folder"
            ) from None
        self.folder.chmod(0o700)
        client = _write_key(self.folder / "client_key")
        (self.folder / "authorized_keys").write_text(client.export_public_key().decode(), encoding="ascii")
        host = _write_key(self.folder / "host_key")
        command = [sys.executable, "-m", ssh_server.__name__, str(self.folder), str(Path(self._python).parent)]
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._port = self._read_port(self._server)
        public = host.export_public_key().decode()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self._port} {public}", encoding="ascii")
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            try:
                self._server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            if self._server.stdout is not None:
                self._server.stdout.close()
        self._lock.close()

    def _read_port(self, server: "subprocess.Popen[str]") -> int:
        watchdog = threading.Timer(_START_SECONDS, server.kill)
        watchdog.start()
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
        finally:
            watchdog.cancel()
        try:
            return int(json.loads(line)["port"])
        except (ValueError, KeyError):
            server.kill()
            server.wait()
            raise BoardError("the embedded board's SSH server did not start; its own words stand above") from None


def _write_key(path: Path) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    key.write_private_key(str(path))
    return key
