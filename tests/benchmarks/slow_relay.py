"""A slow link on the loopback: a TCP relay that delays what passes and limits its rate.

`python -m tests.benchmarks.slow_relay PORT` relays to 127.0.0.1:PORT and prints the port that it listens on.
"""

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

BITS_PER_SECOND = 20e6
DELAY_SECONDS = 0.010
"""One way; a round trip takes twice as long."""
_READ_BYTES = 1448
_WAITING = 90
"""Pieces of that size at the bottleneck: 128 KiB, as in a home router."""


@contextlib.contextmanager
def slow_relay(port: int) -> Iterator[int]:
    """Runs a relay to a port of this machine as a process of its own; the value is the port to connect to."""
    command = [sys.executable, "-m", "tests.benchmarks.slow_relay", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """One direction: a piece leaves when those before it have left at the link's rate, and arrives a delay later."""
    under_way: queue.Queue[tuple[float, bytes]] = queue.Queue(_WAITING)
    threading.Thread(target=_deliver, args=(under_way, target), daemon=True).start()
    free_at = 0.0
    data = b"-"
    while data:
        try:
            data = source.recv(_READ_BYTES)
        except OSError:
            data = b""
        free_at = max(free_at, time.monotonic()) + len(data) * 8 / BITS_PER_SECOND
        under_way.put((free_at + DELAY_SECONDS, data))


def _deliver(under_way: "queue.Queue[tuple[float, bytes]]", target: socket.socket) -> None:
    arrives_at, data = under_way.get()
    while data:
        # Sleeping for less is coarser than the rate; what is late by it is made up for by the next pieces.
        wait_seconds = arrives_at - time.monotonic()
        if wait_seconds > 0.001:
            time.sleep(wait_seconds)
        with contextlib.suppress(OSError):
            target.sendall(data)
        arrives_at, data = under_way.get()
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    port = int(sys.argv[1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
