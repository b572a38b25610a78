"""Many boards in one process: an SSH server each, with a home folder, a host key and a fault of its own.

`python -m tests.support.boards.board_fleet_server FILE`, a JSON of what `BoardFleet` writes. Prints the boards' ports
as JSON and serves until its standard input ends.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh

from edgeproof.demo.ssh_server import BoardCommands

_CUT_AFTER_BYTES = 600  # of what the board says: past the first answer
Factory = Callable[["asyncssh.SSHServerProcess[bytes]"], Awaitable[None]]


class _Counting:
    """The writer of a session that cuts the whole connection once so much has been written."""

    def __init__(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        self._writer, self._connection, self._left = process.stdout, process.channel.get_connection(), _CUT_AFTER_BYTES
        self.channel = process.channel

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._connection.abort()
            return
        self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()


def cutting(run: Factory) -> Factory:
    async def factory(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process._stdout = _Counting(process)  # type: ignore[assignment]
        await run(process)

    return factory


async def open_board(board: dict[str, Any], folder: Path, python_folder: str) -> int:
    if board["fault"] == "refuse":
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
        server.close()
        return port
    if board["fault"] == "hang":

        async def wait(*_: object) -> None:
            await asyncio.sleep(3600)

        silent = await asyncio.start_server(wait, "127.0.0.1", 0)
        _KEPT.append(silent)
        return int(silent.sockets[0].getsockname()[1])
    commands = BoardCommands(Path(board["home"]), python_folder)
    ssh = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[board["host_key"]],
        authorized_client_keys=str(folder / "authorized_keys"),
        process_factory=cutting(commands.run) if board["fault"] == "die" else commands.run,
        encoding=None,
        password_auth=False,
        kbdint_auth=False,
        gss_host=None,
    )
    _KEPT.append((ssh, commands))
    return int(ssh.get_port())


_KEPT: list[Any] = []


async def main() -> None:
    told = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[1]).parent
    ports = [await open_board(board, folder, told["python_folder"]) for board in told["boards"]]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for kept in _KEPT:
        if isinstance(kept, tuple):
            kept[1].hang_up_all()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
