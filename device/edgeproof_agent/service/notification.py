"""What a service tells its manager: sd_notify(3), without a library."""

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Optional


class Notifier:
    """Tells nothing where nobody listens. A manager that does not take it is no error."""

    def __init__(self, address: Optional[str]) -> None:
        self._socket: Optional[socket.socket] = None
        self._address = ""
        if address:
            self._address = "\0" + address[1:] if address.startswith("@") else address
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)  # a manager that is busy must not hold up the inference loop

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Notifier":
        return cls(environment.get("NOTIFY_SOCKET"))

    def ready(self) -> None:
        self._send("READY=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line, which systemctl shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def _send(self, message: str) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(message.encode(), self._address)
