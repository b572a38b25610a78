"""A transport that counts what goes over it, and can cut it."""

import threading

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel, ExitStatus, Transport


class CountingTransport(Transport):
    """`round_trips` are waits for an answer: two to open a channel over SSH, and each receive that follows a send."""

    def __init__(self, inner: Transport) -> None:
        self.name = inner.name
        self._inner = inner
        self.round_trips = 0
        self.sent_bytes = 0
        self.cut_after_bytes: int | None = None
        self.was_cut = threading.Event()

    def open(self, command: str) -> Channel:
        self.round_trips += 2
        return _CountingChannel(self, self._inner.open(command))

    def close(self) -> None:
        self._inner.close()


class _CountingChannel(Channel):
    def __init__(self, transport: CountingTransport, inner: Channel) -> None:
        self.error_output = inner.error_output
        self._transport, self._inner = transport, inner
        self._asked = False

    def send(self, data: bytes, deadline: Deadline) -> None:
        transport = self._transport
        limit = transport.cut_after_bytes
        if limit is not None and transport.sent_bytes + len(data) > limit:
            self._inner.send(data[: limit - transport.sent_bytes], deadline)
            self._inner.close()
            transport.was_cut.set()
            raise BrokenPipeError("the connection was cut")
        transport.sent_bytes += len(data)
        self._asked = True
        self._inner.send(data, deadline)

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        if self._asked:
            self._asked = False
            self._transport.round_trips += 1
        return self._inner.receive(max_bytes, deadline)

    def wait(self, deadline: Deadline) -> ExitStatus:
        return self._inner.wait(deadline)

    def close(self) -> None:
        self._inner.close()
