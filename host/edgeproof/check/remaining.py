"""Says with each step of a check what is still needed, and how long it will take by what was seen so far."""

import time
from collections.abc import Callable
from dataclasses import replace

from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, ProgressUnit

_MINUTE_SECONDS = 60.0


class Remaining:
    """The cells of one check, one after the other."""

    def __init__(self, cells: int, progress: ProgressListener, clock: Callable[[], float] = time.monotonic) -> None:
        self._cells, self._progress, self._clock = cells, progress, clock
        self._place, self._measured, self._spent = "", 0, 0.0
        self._done_cells = 0
        self._began = clock()
        self._step: tuple[str, int | None] = ("", None)
        self._step_began, self._step_done, self._last_done = 0.0, 0, 0

    def begin(self, place: str) -> None:
        """The next cell, by its words."""
        self._place, self._began = place, self._clock()
        self._step = ("", None)
        self._progress(Progress(place, ProgressKind.NOTE))

    def end(self, *, measured: bool) -> None:
        """The cell is through. One that was measured already tells nothing of how long the next one takes."""
        self._done_cells += 1
        if measured:
            self._measured += 1
            self._spent += self._clock() - self._began

    def __call__(self, event: Progress) -> None:
        if event.kind is not ProgressKind.STEP:
            self._progress(event)
            return
        words = [f"{self._place}: {event.text}", *self._of_step(event), *self._of_cells()]
        self._progress(replace(event, text=", ".join(words)))

    def _of_step(self, event: Progress) -> list[str]:
        if event.total is None or event.unit is not ProgressUnit.ITEMS:
            self._step = ("", None)
            return []
        now = self._clock()
        if self._step != (event.text, event.total) or event.done < self._last_done:
            self._step, self._step_began, self._step_done = (event.text, event.total), now, event.done
        self._last_done = event.done
        needed = max(event.total - event.done, 0)
        if not needed:
            return []
        passed, made = now - self._step_began, event.done - self._step_done
        left = [f"{_duration(passed / made * needed)} left"] if made > 0 and passed > 0 else []
        return [f"{needed} to go", *left]

    def _of_cells(self) -> list[str]:
        """From the second measured cell on: what the cells behind this one will take."""
        behind = self._cells - self._done_cells - 1
        if behind <= 0 or not self._measured:
            return []
        return [f"then {behind} more, some {_duration(self._spent / self._measured * behind)}"]


def _duration(seconds: float) -> str:
    """To the second below a minute, else to the minute."""
    if seconds < _MINUTE_SECONDS:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / _MINUTE_SECONDS)} min"
