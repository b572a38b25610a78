"""Ends the agent when a model does not: an inference cannot be interrupted from within its own thread.

At the deadline a second thread answers the request with an error and ends the process. A runtime that keeps Python's
lock all that time keeps that thread from running, so an alarm of the kernel follows, which needs no Python at all.
"""

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Callable, Optional

from edgeproof_agent.wire.answering import Exchange

LOAD_SECONDS = 120.0
"""How long reading a bundle and building its interpreter may take, unless the host says otherwise."""
INFERENCE_SECONDS = 120.0
"""The same for one picture, from its bytes to its detections. An int16x8 model takes 35 times as long as an int8 one,
which is some ten seconds on a small board."""
DEADLINE_STATUS = 7
"""Exit status of an agent whose model did not finish."""
GRACE_SECONDS = 10.0
"""After so long beyond a deadline the alarm goes off: also when the host does not read the error."""

End = Callable[[int], object]
Alarm = Callable[[float], object]


def kernel_alarm(seconds: float) -> None:
    """Has the kernel end this process by SIGALRM in so many seconds; 0 calls it off."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


class Watchdog:
    """For one thread that works, one deadline at a time."""

    def __init__(self, end: End = os._exit, alarm: Alarm = lambda _: None) -> None:
        self._end = end
        self._alarm = alarm
        self._changed = threading.Condition()
        self._deadline = math.inf
        self._wakes_at = math.inf
        self._expire: Callable[[], object] = lambda: None
        self._thread: Optional[threading.Thread] = None

    @contextlib.contextmanager
    def limit(self, exchange: Exchange, seconds: float, what: str) -> Iterator[None]:
        """While this context lasts longer than `seconds`, `what` (`the first inference`) is told as unfinished, and
        the process ends. Nothing must be sent to the host in it."""
        message = f"the model did not finish {what} within {seconds:g} s"
        self._set(time.monotonic() + seconds, lambda: exchange.send_error("deadline", message))
        self._alarm(seconds + GRACE_SECONDS)
        try:
            yield
        finally:
            self._set(math.inf, lambda: None)
            self._alarm(0)

    def _set(self, deadline: float, expire: Callable[[], object]) -> None:
        with self._changed:  # when the time is up, this waits for the end of the process
            self._deadline, self._expire = deadline, expire
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            if deadline < self._wakes_at:  # else the thread finds out by itself: no inference pays for its waking
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while time.monotonic() < self._deadline:
                self._wakes_at = self._deadline
                self._changed.wait(None if math.isinf(self._deadline) else self._deadline - time.monotonic())
            try:
                self._expire()
            finally:
                self._end(DEADLINE_STATUS)
