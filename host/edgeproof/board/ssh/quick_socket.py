"""A TCP socket for requests and answers: what is small is neither held back here nor waited for there."""

import contextlib
import socket
from typing import cast

_QUICKACK = cast("int | None", getattr(socket, "TCP_QUICKACK", None))  # Linux alone has it


class QuickSocket(socket.socket):
    """Acknowledges what arrives at once.

    sshd leaves Nagle's algorithm on: it holds small messages back until the ones before are acknowledged, which Linux
    delays by 40 ms. A new SSH connection meets that twice: at its first channel and at its first full window.
    """

    def recv(self, size_bytes: int, flags: int = 0, /) -> bytes:
        data = super().recv(size_bytes, flags)
        if _QUICKACK is not None:
            # The kernel forgets it now and then.
            with contextlib.suppress(OSError):
                self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return data


def quick(connected: socket.socket) -> QuickSocket:
    """The same connection with TCP_NODELAY, which paramiko leaves off, and quick acknowledgements."""
    timeout = connected.gettimeout()
    sock = QuickSocket(connected.family, connected.type, connected.proto, fileno=connected.detach())
    sock.settimeout(timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
