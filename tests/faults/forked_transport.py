"""The host's end of a forking board: a transport whose channels are pipes to forked commands."""

import array
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from edgeproof.board.link.local import LocalChannel
from edgeproof.board.link.transport import Channel, Transport
from tests.support.places import ROOT

_BOARD = "tests.faults.forking_board"


class ForkedProcess:
    """A command of a forking board, with the attributes of a `subprocess.Popen` that a local channel uses."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes], status: int) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._status = status
        self._said: dict[str, int] = {}
        self._text = b""

    @property
    def pid(self) -> int:
        return self._hear("pid", None)

    @property
    def changing_calls(self) -> int:
        """How often a watched command has changed files or sent bytes so far. Complete once it has ended."""
        return self._said.get("calls", 0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, negative for a signal."""
        return self._hear("status", timeout)

    def _hear(self, word: str, timeout: float | None) -> int:
        while word not in self._said:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("the forked command", timeout or 0)
            data = os.read(self._status, 4096)
            if not data:
                raise RuntimeError("the forking board itself has ended")
            self._text += data
            for line in self._text.decode().splitlines(keepends=True):
                if line.endswith("\n"):
                    name, number = line.split()
                    self._said[name] = int(number)
        return self._said[word]

    def dispose(self) -> None:
        os.close(self._status)


class ForkedTransport(Transport):
    """One connection to a forking board. The file fault strikes in the store service, which alone changes files."""

    name = "board"

    def __init__(self, requests: socket.socket, home: Path, fault: dict[str, Any] | None, watched: bool) -> None:
        self._requests, self._home, self._fault, self._watched = requests, home, fault, watched
        self._commands: dict[str, ForkedProcess] = {}
        self._channels: dict[str, LocalChannel] = {}

    def open(self, command: str) -> Channel:
        which = "store service" if "store.operations" in command else "agent"
        watched = self._watched and which == "store service"
        request = {"command": command, "home": str(self._home), "watched": watched, "fault": self._fault}
        pipes = [os.pipe() for _ in range(4)]
        theirs = array.array("i", [pipes[0][0], *(write for _, write in pipes[1:])])
        self._requests.sendmsg([json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, theirs)])
        for descriptor in theirs:
            os.close(descriptor)
        process = ForkedProcess(
            os.fdopen(pipes[0][1], "wb", 0),
            os.fdopen(pipes[1][0], "rb", 0),
            os.fdopen(pipes[2][0], "rb", 0),
            pipes[3][0],
        )
        assert which not in self._commands, "a job starts each once"
        self._commands[which] = process
        self._channels[which] = LocalChannel(process)  # type: ignore[arg-type]
        return self._channels[which]

    def close(self) -> None:
        for which, channel in self._channels.items():
            channel.close()
            self._commands[which].dispose()
        self._channels.clear()

    @property
    def changing_calls(self) -> int:
        return sum(process.changing_calls for process in self._commands.values())

    def kill(self, which: str) -> bool:
        """kill -9 of the `store service` or the `agent`; tells whether it had been started."""
        process = self._commands.get(which)
        if process is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        return True


class ForkingBoard:
    """Starts the forking process; one serves any number of homes, one connection after the other."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen([sys.executable, "-m", _BOARD], stdin=theirs.fileno(), cwd=ROOT)
        theirs.close()

    def connect(self, home: Path, fault: dict[str, Any] | None = None, watched: bool = False) -> ForkedTransport:
        return ForkedTransport(self._requests, home.resolve(), fault, watched or fault is not None)

    def __enter__(self) -> "ForkingBoard":
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._process.wait(20)
