"""An embedded board: an SSH server on this machine's loopback, with a home folder of its own.

It stands for a board on the desk: it is reached, provisioned and used over SSH like one, by key login alone.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import asyncssh

from edgeproof.board.profile import BoardProfile
from edgeproof.errors import BoardError

BOARD_NAME = "embedded"
USER = "pi"
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
            user=USER,
            port=self._port,
            identity_file=str(self.folder / "client_key"),
            known_hosts=str(self.folder / "known_hosts"),
            python=self._python,
        )

    def __enter__(self) -> "EmbeddedBoard":
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        client = _write_key(self.folder / "client_key")
        (self.folder / "authorized_keys").write_text(client.export_public_key().decode(), encoding="ascii")
        host = _write_key(self.folder / "host_key")
        command = [sys.executable, "-m", __name__, str(self.folder), str(Path(self._python).parent)]
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


def base_python() -> str:
    """The Python that the current virtual environment was made with: what a board would call its system Python."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)))


def _write_key(path: Path) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    key.write_private_key(str(path))
    return key


def _hang_up(group: int) -> None:
    """What a real board's SSH server does to the processes of a connection that is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGHUP)


async def _serve(folder: Path, python_folder: str) -> None:
    home = folder / "home"
    environment = {
        "HOME": str(home),
        "USER": USER,
        "LOGNAME": USER,
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "PATH": f"{python_folder}:/usr/local/bin:/usr/bin:/bin",
    }

    running: set[int] = set()

    async def run(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        if process.command is None:
            process.stderr.write(b"This board runs commands only.\n")
            process.exit(1)
            return
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            process.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env=environment,
            start_new_session=True,
        )
        running.add(child.pid)
        await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
        ended = asyncio.ensure_future(child.wait())
        hung_up = asyncio.ensure_future(process.channel.wait_closed())
        await asyncio.wait({ended, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            _hang_up(child.pid)
            await ended
        running.discard(child.pid)
        # A client that hangs up meanwhile breaks this; an error that leaves here would end its whole connection.
        with contextlib.suppress(asyncssh.Error, OSError):
            await process.stdout.drain()
            code = child.returncode or 0
            process.exit(code if code >= 0 else 128 - code)
            await process.wait_closed()

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(folder / "authorized_keys"),
        process_factory=run,
        encoding=None,
        password_auth=False,
        kbdint_auth=False,
        gss_host=None,
    )
    sys.stdout.write(json.dumps({"port": server.get_port()}) + "\n")
    sys.stdout.flush()
    # The one who started this holds the other end of standard input; when it is gone, so is the board.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for group in running:
        _hang_up(group)
    # An orderly shutdown would only have asyncio complain of the connections that are cut here.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), sys.argv[2]))
