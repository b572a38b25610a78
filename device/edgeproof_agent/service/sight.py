"""Frames of a service's source, for ever: what is not there yet is waited for."""

from collections.abc import Iterator
from contextlib import contextmanager

from edgeproof_agent.detection.detector import Detector
from edgeproof_agent.pipeline.capturing import FOR_EVER, Frames, frames_of
from edgeproof_agent.pipeline.live import LiveFrames
from edgeproof_agent.serve.stream_request import StreamRequest
from edgeproof_agent.service.duties import Duties
from edgeproof_agent.service.journal import Journal
from edgeproof_agent.sources.frame import Capture, CaptureError
from edgeproof_agent.sources.grammar import SourceKind
from edgeproof_agent.sources.opening import named_for_good, open_source

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 8.0


class Sight:
    """Opens the source as often as it has to."""

    def __init__(
        self, request: StreamRequest, detector: Detector, duties: Duties, journal: Journal, max_pixels: int
    ) -> None:
        self._request = request
        self._detector = detector
        self._duties = duties
        self._journal = journal
        self._max_pixels = max_pixels
        self._trouble = ""

    @contextmanager
    def open(self) -> Iterator[Frames]:
        """Frames until the source ends; of a live one that is never. Waits for a source that is not there."""
        capture = self._opened()
        request = self._request
        silence = request.silence_seconds
        if capture.facts.live:
            live = LiveFrames(capture, self._open, self._lost, silence, FOR_EVER, wait=self._rest)
            try:
                yield live
            finally:
                live.close()
            return
        watching = request.source.kind is SourceKind.WATCH
        on_idle = (lambda: self._duties.beat("waiting for pictures")) if watching else None
        with frames_of(capture, self._detector.prepare, True, min(silence, 5.0), FOR_EVER, on_idle) as frames:
            yield frames

    def arrived(self) -> None:
        """A picture has come."""
        if self._trouble:
            self._trouble = ""
            self._journal.event("source", f"{self._request.source.shown} brings pictures again")

    def _opened(self) -> Capture:
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                capture = self._open()
            except CaptureError as error:
                self._tell_once(f"{error}; it is tried again and again")
                self._rest(wait)
                wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
                continue
            facts = capture.facts.to_json()
            self._journal.event("source", f"{self._request.source.shown} is open", facts=facts)
            return capture

    def _open(self) -> Capture:
        return open_source(named_for_good(self._request.source), self._request.settings, self._max_pixels)

    def _lost(self, text: str) -> None:
        self._tell_once(text.partition("; it is opened again in")[0])
        self._duties.beat(f"waiting for {self._request.source.shown}")

    def _tell_once(self, trouble: str) -> None:
        """A source that is away for weeks must not fill the log."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._journal.event("source", trouble)

    def _rest(self, seconds: float) -> None:
        self._duties.rest(seconds, f"waiting for {self._request.source.shown}")
