"""The embedded board's SSH server, a process of its own: `python -m edgeproof.demo.ssh_server FOLDER PYTHON_FOLDER`.

FOLDER holds `host_key`, `authorized_keys` and `home`. Prints its port as JSON and serves until its standard input ends.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

USER = "pi"
_BLOCK_BYTES = 1 << 16
_LAST_OUTPUT_SECONDS = 5.0


class BoardCommands:
    """Runs the commands of SSH sessions in the board's home folder."""

    def __init__(self, home: Path, python_folder: str) -> None:
        self._home = home
        self._groups: set[int] = set()
        self._environment = {
            "HOME": str(home),
            "USER": USER,
            "LOGNAME": USER,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "PATH": f"{python_folder}:/usr/local/bin:/usr/bin:/bin",
        }

    async def run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """One session. No error leaves here: asyncssh would end the whole connection for it."""
        if process.command is None:
            process.stderr.write(b"This board runs commands only.\n")
            process.exit(1)
            return
        child = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", process.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._home,
            env=self._environment,
            start_new_session=True,
        )
        self._groups.add(child.pid)
        code = await self._serve(process, child)
        self._groups.discard(child.pid)
        with contextlib.suppress(asyncssh.Error, OSError):
            process.exit(code if code >= 0 else 128 - code)

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]", child: asyncio.subprocess.Process) -> int:
        """Carries data both ways until the command ends or the client hangs up; returns the command's status."""
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        commands_input = asyncio.create_task(_pump_in(process.stdin, child.stdin))
        outputs = [
            asyncio.create_task(_pump_out(child.stdout.read, process.stdout)),
            asyncio.create_task(_pump_out(child.stderr.read, process.stderr)),
        ]
        ended = asyncio.create_task(child.wait())
        hung_up = asyncio.create_task(process.channel.wait_closed())
        await asyncio.wait({ended, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            self._hang_up(child.pid)
        code = await ended
        # What the command wrote last is still under way.
        await asyncio.wait(outputs, timeout=_LAST_OUTPUT_SECONDS)
        for task in (commands_input, hung_up, *outputs):
            task.cancel()
        return code

    def hang_up_all(self) -> None:
        for group in self._groups:
            self._hang_up(group)

    def _hang_up(self, group: int) -> None:
        """What a real board's SSH server does to the processes of a connection that is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGHUP)


async def _pump_in(source: "asyncssh.SSHReader[bytes]", target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await source.read(_BLOCK_BYTES):
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


async def _pump_out(read: Callable[[int], Awaitable[bytes]], target: "asyncssh.SSHWriter[bytes]") -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await read(_BLOCK_BYTES):
            target.write(data)
            await target.drain()


async def serve(folder: Path, python_folder: str) -> None:
    """Serves on a free port of the loopback, by key login alone."""
    commands = BoardCommands(folder / "home", python_folder)
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(folder / "authorized_keys"),
        process_factory=commands.run,
        encoding=None,
        password_auth=False,
        kbdint_auth=False,
        gss_host=None,
    )
    sys.stdout.write(json.dumps({"port": server.get_port()}) + "\n")
    sys.stdout.flush()
    # The one who started this holds the other end of standard input; when it is gone, so is the board.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    commands.hang_up_all()
    # An orderly shutdown would only have asyncio complain of the connections that are cut here.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
