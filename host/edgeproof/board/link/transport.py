"""A way to run commands on a board: what a session needs of it, whether it is SSH or a local pipe."""

import abc
import signal
from dataclasses import dataclass
from typing import TypeVar

from edgeproof.board.link.deadline import Deadline
from edgeproof.wording.printable import printable

_STDERR_BYTES = 65536
_TAIL_LINES = 12
_LINE_CHARACTERS = 1000


@dataclass(frozen=True)
class ExitStatus:
    """How a remote command ended: its exit code as a shell reports it (128 + n for signal n)."""

    code: int

    @property
    def is_signal(self) -> bool:
        return self.code > 128 and self.code - 128 in {number.value for number in signal.Signals}

    def __str__(self) -> str:
        if self.code < 0:
            return "the connection broke before its exit status came"
        if self.is_signal:
            number = signal.Signals(self.code - 128)
            hint = ", as the kernel does when the board runs out of memory" if number is signal.SIGKILL else ""
            return f"killed by signal {number.value} ({number.name}){hint}"
        return f"exit status {self.code}"


class ErrorOutput:
    """The end of what a command wrote to standard error; the beginning is dropped, so memory stays bounded."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > 2 * _STDERR_BYTES:
            del self._data[:-_STDERR_BYTES]

    def tail(self) -> str:
        """The last lines, printable."""
        text = bytes(self._data).decode("utf-8", errors="replace")
        lines = text.strip().splitlines()[-_TAIL_LINES:]
        return "\n".join(printable(line, _LINE_CHARACTERS) for line in lines).strip()


class Channel(abc.ABC):
    """A running command: its standard input and output. Standard error is drained in the background."""

    error_output: ErrorOutput
    noise: str = ""
    """What was printed ahead of the command's own output and passed over, on one line."""

    @abc.abstractmethod
    def send(self, data: bytes, deadline: Deadline) -> None:
        """Sends everything. Raises `DeadlineError`, or `BrokenPipeError` when the far side is gone."""

    @abc.abstractmethod
    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        """Up to `max_bytes` that have arrived, at least one; none at the end of the stream. Raises `DeadlineError`."""

    @abc.abstractmethod
    def wait(self, deadline: Deadline) -> ExitStatus:
        """How the command ended. Raises `DeadlineError` while it runs."""

    @abc.abstractmethod
    def close(self) -> None:
        """Hangs up. A command of ours ends itself when that happens."""


_Transport = TypeVar("_Transport", bound="Transport")


class Transport(abc.ABC):
    """An open way to a board."""

    name: str
    """The board's name for people."""
    connections: int = 1
    """How many it has taken so far: a server may end one with its last command, or allow one command on each."""

    @abc.abstractmethod
    def open(self, command: str) -> Channel:
        """Starts `command` by the board's POSIX shell, in the login user's home folder."""

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connection; what still runs on it is hung up."""

    def __enter__(self: _Transport) -> _Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
