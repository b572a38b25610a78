"""A host's request for a stream, and the stream itself from the opening of its source to its counts."""

import time
from dataclasses import dataclass
from typing import Any

from edgeproof_agent.detection.detector import Detector
from edgeproof_agent.pipeline.capturing import FOR_EVER, Frames, frames_of, live_frames_of
from edgeproof_agent.pipeline.live import PATIENCE_SECONDS, SILENCE_SECONDS
from edgeproof_agent.pipeline.stream import Detect, Pace, stream_frames
from edgeproof_agent.sources.frame import CaptureError
from edgeproof_agent.sources.grammar import Source, SourceKind, SourceNameError, parse_source
from edgeproof_agent.sources.opening import named_for_good, open_source
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.wire.answering import Exchange, RequestError
from edgeproof_agent.wire.fields import FieldError, Fields

MAX_FRAMES = 1_000_000_000
MAX_WINDOW = 64
_MAX_SIDE = 16_384
_MAX_SECONDS = 86_400.0 * 366


@dataclass(frozen=True)
class StreamRequest:
    """What a host asked for."""

    source: Source
    settings: CaptureSettings
    pace: Pace
    seconds: float
    overlap: bool
    silence_seconds: float
    patience_seconds: float

    @classmethod
    def read(cls, fields: Fields) -> "StreamRequest":
        """Raises `FieldError`, and `RequestError` for a source that is none."""
        try:
            source = parse_source(fields.text("source"))
        except SourceNameError as error:
            raise RequestError("source", str(error)) from error
        return cls(
            source=source,
            settings=_settings(fields),
            pace=Pace(
                frames=fields.integer("frames", low=1, high=MAX_FRAMES),
                window=fields.integer("window", default=4, low=1, high=MAX_WINDOW),
                jpeg_every=fields.integer("jpeg_every", default=0),
                jpeg_seconds=fields.number("jpeg_seconds", default=0.0, low=0.0, high=_MAX_SECONDS),
                state_seconds=fields.number("state_seconds", default=0.0, low=0.0, high=_MAX_SECONDS),
            ),
            seconds=fields.number("seconds", default=_MAX_SECONDS, low=0.0, high=_MAX_SECONDS),
            overlap=fields.flag("overlap", default=True),
            silence_seconds=fields.number("silence_seconds", default=SILENCE_SECONDS, low=0.05, high=3600.0),
            patience_seconds=fields.number("patience_seconds", default=PATIENCE_SECONDS, low=0.0, high=_MAX_SECONDS),
        )


def run_stream(
    exchange: Exchange, request: StreamRequest, detector: Detector, detect: Detect, max_pixels: int
) -> dict[str, Any]:
    """Streams until the source, the wish or the time ends; the counts. An event `source` tells what was opened, and
    `notice` events what befalls it. Raises `RequestError` when it cannot be opened or brings nothing."""
    source = named_for_good(request.source)
    until = time.monotonic() + request.seconds if request.seconds < _MAX_SECONDS else FOR_EVER

    def notice(text: str) -> None:
        exchange.send_event("notice", {"text": text})

    try:
        capture = open_source(source, request.settings, max_pixels)
        exchange.send_event("source", {"facts": capture.facts.to_json()})
        if capture.facts.live and request.overlap:
            reopen = lambda: open_source(source, request.settings, max_pixels)  # noqa: E731
            limits = (request.silence_seconds, request.patience_seconds, until)
            with live_frames_of(capture, reopen, notice, *limits) as frames:
                return _counts(frames, stream_frames(exchange, detect, frames, True, request.pace))
        watching = source.kind is SourceKind.WATCH
        on_idle = (lambda: exchange.send_event("idle", {})) if watching else None
        silence = request.silence_seconds
        overlap = request.overlap or watching
        with frames_of(capture, detector.prepare, overlap, silence, until, on_idle) as taken:
            done = stream_frames(exchange, detect, taken, capture.facts.live, request.pace)
        if not done and not watching and time.monotonic() < until:
            raise CaptureError(f"{source.shown} ended before its first frame")
        return _counts(taken, done)
    except CaptureError as error:
        raise RequestError("source", str(error)) from error


def _counts(frames: Frames, done: int) -> dict[str, Any]:
    return {
        "frames": done,
        "dropped": frames.dropped,
        "repeated": frames.repeated,
        "reconnects": frames.reconnects,
    }


def _settings(fields: Fields) -> CaptureSettings:
    asked = fields.nested("capture") if "capture" in fields else Fields({})
    rotate = asked.integer("rotate", default=0, high=270)
    if rotate % 90:
        raise FieldError(f"{asked.path('rotate')} must be 0, 90, 180 or 270, got {rotate}")
    pixel_format = asked.text("pixel_format", max_length=4) if "pixel_format" in asked else None
    if pixel_format is not None and not (len(pixel_format) == 4 and pixel_format.isascii()):
        raise FieldError(f"{asked.path('pixel_format')} must have four characters, got {pixel_format!r}")
    return CaptureSettings(
        width=asked.integer("width", low=1, high=_MAX_SIDE) if "width" in asked else None,
        height=asked.integer("height", low=1, high=_MAX_SIDE) if "height" in asked else None,
        fps=asked.number("fps", low=0.01, high=1000) if "fps" in asked else None,
        pixel_format=pixel_format,
        rotate=rotate,
        flip=asked.choice("flip", ("horizontal", "vertical")) if "flip" in asked else None,
        recursive=asked.flag("recursive", default=True),
    )
