"""A local pipe as transport: the host's reference run, and tests of the real agent without SSH."""

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel, ErrorOutput, ExitStatus, Transport

_READ_BYTES = 1 << 16
_CLOSE_SECONDS = 2.0


class LocalChannel(Channel):
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.error_output = ErrorOutput()
        self._process = process
        self._input, self._output = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(self._input, False)
        self._drain = threading.Thread(target=self._drain_stderr, args=(process.stderr.fileno(),), daemon=True)
        self._drain.start()

    def send(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        while view:
            if not select.select([], [self._input], [], deadline.remaining_seconds())[1]:
                raise deadline.error()
            view = view[os.write(self._input, view[:_READ_BYTES]) :]

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        if not select.select([self._output], [], [], deadline.remaining_seconds())[0]:
            raise deadline.error()
        return os.read(self._output, max_bytes)

    def wait(self, deadline: Deadline) -> ExitStatus:
        try:
            code = self._process.wait(deadline.remaining_seconds())
        except subprocess.TimeoutExpired:
            raise deadline.error() from None
        self._drain.join(_CLOSE_SECONDS)
        return ExitStatus(128 - code if code < 0 else code)

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._drain.join(_CLOSE_SECONDS)
        if self._process.stderr is not None and not self._drain.is_alive():
            self._process.stderr.close()

    def _drain_stderr(self, descriptor: int) -> None:
        while data := os.read(descriptor, _READ_BYTES):
            self.error_output.add(data)


class LocalTransport(Transport):
    """Runs commands on this machine, with `home` as home folder, so that it can stand for a board of its own."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self._home = home.resolve()
        self._channels: list[LocalChannel] = []

    def open(self, command: str) -> Channel:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._home,
            env={**os.environ, "HOME": str(self._home)},
            start_new_session=True,
            bufsize=0,
        )
        channel = LocalChannel(process)
        self._channels.append(channel)
        return channel

    def close(self) -> None:
        for channel in self._channels:
            channel.close()


def base_python() -> str:
    """The Python that the current virtual environment was made with: what a board would call its system Python."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)))
