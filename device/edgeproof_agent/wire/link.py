"""The agent's end of the stream: standard input and output, moved aside so that nothing else can write into it."""

import os
import select
import signal
import sys
import threading
import time
from typing import Any, Callable, Optional

from edgeproof_agent.wire.frames import Frame, encode_frame, read_frame

SilenceLimit = Callable[[], Optional[float]]
LAST_WORDS_SECONDS = 2.0
"""A megabyte and a half may be on its way when a connection breaks, which the slowest card takes in a second."""
_HANG_UP_EVENTS = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class HostSilentError(Exception):
    """Nothing came for longer than the link allows at this moment."""


class Link:
    """Frames over two file descriptors. Reading and writing block; the host sets the deadlines, but for one:
    `silence_limit` is asked for how many seconds a read may wait, None for ever. With `heeds_last_words` what is sent
    to a host that has gone is dropped, and what it had sent can still be read."""

    def __init__(
        self, read_fd: int, write_fd: int, silence_limit: SilenceLimit = lambda: None, heeds_last_words: bool = False
    ) -> None:
        self.heeds_last_words = heeds_last_words
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._silence_limit = silence_limit
        self._poll = select.poll()
        self._poll.register(read_fd, select.POLLIN)

    def receive(self) -> Optional[Frame]:
        """The next frame, None at the end of the stream. Raises `FrameError`, `HostSilentError`."""
        return read_frame(self._read)

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Raises `BrokenPipeError` when nobody reads any more and the link does not heed last words."""
        data = memoryview(encode_frame(header, payload))
        try:
            while data:
                data = data[os.write(self._write_fd, data) :]
        except BrokenPipeError:
            if not self.heeds_last_words:
                raise

    def _read(self, count: int) -> bytes:
        seconds = self._silence_limit()
        if seconds is not None and not self._poll.poll(seconds * 1000):
            raise HostSilentError(f"the host said nothing for {seconds:g} s")
        return os.read(self._read_fd, count)


def take_standard_streams(silence_limit: SilenceLimit = lambda: None, heeds_last_words: bool = False) -> Link:
    """Moves standard input and output to descriptors of their own.

    What a library prints goes to standard error from then on, and what reads standard input reads nothing. The process
    ends with its host: see `end_with_host`.
    """
    sys.stdout.flush()
    link = Link(os.dup(0), os.dup(1), silence_limit, heeds_last_words)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    end_with_host(link)
    return link


def end_with_host(link: Link) -> None:
    """Ends this process and its children as soon as the host hangs up, even in the middle of an inference.

    It has its answers then, or has gone: there is nobody left to work for. A link that heeds last words is given
    `LAST_WORDS_SECONDS` for what the host had sent by then, after which it reads the end of the stream.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    poll = select.poll()
    poll.register(link._read_fd, _HANG_UP_EVENTS)

    def wait() -> None:
        poll.poll()
        if link.heeds_last_words:
            time.sleep(LAST_WORDS_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, name="hang-up", daemon=True).start()
