"""A point in time after which waiting is over. Every wait in this package has one."""

import time

from edgeproof.errors import DeadlineError


class Deadline:
    """Counts down from its creation. `what` names the wait in the error, e.g. `the agent on pi to load a bundle`."""

    def __init__(self, seconds: float, what: str) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._what = what

    def remaining_seconds(self) -> float:
        """Seconds that are left, more than 0. Raises `DeadlineError` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> DeadlineError:
        return DeadlineError(f"waited {self._seconds:g} s for {self._what}; the board or the connection hangs")
