"""A transport that cuts, delays or fails one of its operations: the n-th open, send, receive, wait or close."""

import errno
import time
from collections.abc import Callable

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel, ExitStatus, Transport
from edgeproof.errors import BoardUnreachableError

TRANSPORT_FAULTS = ("cut before", "cut halfway", "cut after", "late", "late after", "error")
"""The connection is lost before the operation, when half of its bytes are through, or after it; the operation does not
come back within its deadline, done or not; it fails with an error of the system while the connection stays."""


class Strike:
    """Counts the operations of a transport and its channels, and says which one is struck."""

    def __init__(self, fault: str = "", at: int = 0, kill: Callable[[], bool] = lambda: False) -> None:
        """A fault that begins with `kill` calls `kill`, which tells whether there was something to kill."""
        self.operations = 0
        self.cut = False
        self.struck = False
        self._fault, self._at, self._kill = fault, at, kill

    def next(self) -> str | None:
        """The fault of the operation that comes now, if it is the one."""
        self.operations += 1
        if self.operations != self._at:
            return None
        if self._fault.startswith("kill"):
            self.struck = self._kill()
            return None
        self.struck = bool(self._fault)
        return self._fault


class FaultyChannel(Channel):
    def __init__(self, channel: Channel, strike: Strike, hang_up: Callable[[], None]) -> None:
        self.error_output = channel.error_output
        self._channel, self._strike, self._hang_up = channel, strike, hang_up

    def send(self, data: bytes, deadline: Deadline) -> None:
        fault = self._begin()
        if self._strike.cut:
            raise BrokenPipeError("the connection is cut")
        if fault == "late":
            raise deadline.error()
        if fault == "error":
            raise OSError(errno.EIO, "the network failed")
        self._channel.send(data[: len(data) // 2] if fault == "cut halfway" else data, deadline)
        if fault in ("cut halfway", "cut after"):
            self._hang_up()
            raise BrokenPipeError("the connection is cut")
        if fault == "late after":
            raise deadline.error()

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        fault = self._begin()
        if self._strike.cut:
            return b""
        if fault == "late":
            raise deadline.error()
        if fault == "error":
            raise OSError(errno.EIO, "the network failed")
        data = self._channel.receive(max_bytes, deadline)
        if fault in ("cut halfway", "cut after"):
            self._hang_up()
            return data[: len(data) // 2] if fault == "cut halfway" else data
        if fault == "late after":
            raise deadline.error()
        return data

    def wait(self, deadline: Deadline) -> ExitStatus:
        fault = self._begin()
        if self._strike.cut:
            return ExitStatus(-1)
        if fault in ("late", "late after"):
            raise deadline.error()
        return self._channel.wait(deadline)

    def close(self) -> None:
        self._begin()
        self._channel.close()

    def _begin(self) -> str | None:
        fault = None if self._strike.cut else self._strike.next()
        if fault == "cut before":
            self._hang_up()
        return fault


class FaultyTransport(Transport):
    """Wraps a transport; `strike` says what goes wrong, and when."""

    def __init__(self, transport: Transport, strike: Strike) -> None:
        self.name = transport.name
        self._transport, self._strike = transport, strike

    def open(self, command: str) -> Channel:
        fault = None if self._strike.cut else self._strike.next()
        if fault in ("cut before", "cut halfway", "cut after"):
            self._hang_up()
        if self._strike.cut or fault in ("error", "late", "late after"):
            raise BoardUnreachableError(f"the connection to {self.name} broke: no channel")
        return FaultyChannel(self._transport.open(command), self._strike, self._hang_up)

    def close(self) -> None:
        self._transport.close()

    def _hang_up(self) -> None:
        self._strike.cut = True
        self._transport.close()
        time.sleep(0)  # lets the far side see it
