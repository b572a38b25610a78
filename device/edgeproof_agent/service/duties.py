"""What the inference loop does between frames: gives signs of life, calls a bundle healthy, notices a new one."""

import time
from pathlib import Path
from typing import Callable

from edgeproof_agent.service.journal import Journal
from edgeproof_agent.service.notification import Notifier
from edgeproof_agent.store.apps import current_link
from edgeproof_agent.store.objects import Store
from edgeproof_agent.store.services.probation import proved, read_probation, write_probation

_LOOK_SECONDS = 1.0
_STATUS_SECONDS = 5.0


class SwitchedError(Exception):
    """The app points at another bundle than the one that runs."""


class UnhealthyError(Exception):
    """The bundle runs, and nothing that it gives is a detection."""


class Duties:
    """Of one bundle from its becoming active on. `beat` is called by the loop, at least every few seconds."""

    def __init__(
        self,
        store: Store,
        app: str,
        link: tuple[str, int],
        probation: Path,
        stable_seconds: float,
        notifier: Notifier,
        journal: Journal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seen = 0
        self.refused = 0
        """Frames that were looked at, and those on which the model failed."""
        self._store = store
        self._app = app
        self._link = link
        self._probation = probation
        self._notifier = notifier
        self._journal = journal
        self._clock = clock
        now = clock()
        self._proven_at = now + stable_seconds
        self._on_trial = read_probation(probation).proven != link[0]
        self._look_at = now + _LOOK_SECONDS
        self._status_at = now
        self._status_frames, self._status_from = 0, now
        self._words = ""

    def beat(self, words: str = "") -> None:
        """`words` say what the source is up to when it brings no frames. Raises `SwitchedError`, `UnhealthyError`."""
        self._notifier.alive()
        now = self._clock()
        if words != self._words or now >= self._status_at:
            self._tell(words, now)
        if self._on_trial and now >= self._proven_at:
            self._prove()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            link = current_link(self._store, self._app)
            if link is not None and link != self._link:
                raise SwitchedError(f"{self._app} points at bundle {link[0][:12]} now")

    def rest(self, seconds: float, words: str) -> None:
        """Waits with signs of life."""
        end = self._clock() + seconds
        while True:
            self.beat(words)
            left = end - self._clock()
            if left <= 0:
                return
            time.sleep(min(left, _LOOK_SECONDS))

    def _tell(self, words: str, now: float) -> None:
        seconds = now - self._status_from
        rate = f"{(self.seen - self._status_frames) / seconds:.1f} frames a second" if seconds > 0 else "starting"
        self._notifier.status(f"{words or rate}; bundle {self._link[0][:12]}{' on trial' * self._on_trial}")
        self._words = words
        self._status_at = now + _STATUS_SECONDS
        self._status_frames, self._status_from = self.seen, now

    def _prove(self) -> None:
        if self.seen and self.refused == self.seen:
            raise UnhealthyError(f"the model failed on each of {self.seen} frames")
        write_probation(self._probation, proved(read_probation(self._probation), self._link[0]))
        self._on_trial = False
        self._journal.event("healthy", f"bundle {self._link[0][:12]} has been active and stable", bundle=self._link[0])
