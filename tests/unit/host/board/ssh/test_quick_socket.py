"""The socket to a board says at once what it has to say, and goes on as it was otherwise."""

import socket

import pytest

from edgeproof.board.ssh.quick_socket import quick


def test_a_connection_stays_the_same_but_quick() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = socket.create_connection(listener.getsockname(), timeout=20)
        far, _ = listener.accept()
        with quick(plain) as near, far:
            assert plain.fileno() == -1, "there is one owner of the connection"
            assert near.gettimeout() == 20
            assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            far.sendall(b"answer")
            assert near.recv(100) == b"answer"
            near.sendall(b"request")
            assert far.recv(100) == b"request"
            far.close()
            assert near.recv(100) == b""
            near.close()
            with pytest.raises(OSError):
                near.recv(1)
