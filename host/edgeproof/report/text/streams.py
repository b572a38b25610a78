"""A stream in words, for the terminal and the page alike."""

from collections.abc import Iterator

from edgeproof.record.measured.latency import LatencySummary
from edgeproof.record.measured.measurements import Stream
from edgeproof.record.run import Run
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import shown_line

_CLOCKS = {
    "driver": "from the camera driver's time stamp",
    "libcamera": "from libcamera's time stamp",
    "arrival": "from its arrival, since the source tells no time",
}


def stream_line(run: Run) -> str:
    """A run's stream in one line."""
    if run.stream is None:
        return ""
    stream = run.stream
    return (
        f"{shown_line(stream.source)}, {stream.frames} frames at {stream.fps:.1f} a second, "
        f"detections on {stream.frames_with_detections}"
    )


def stream_facts(stream: Stream) -> list[str]:
    """What the source was found to be, what it lost, and how far the stages explain the whole."""
    told = stream.told
    if told is None:
        return []
    size = f"{told.width} x {told.height}" if told.width and told.height else ""
    rate = f"{told.fps:g} frames a second" if told.fps else ""
    facts = [shown_line(fact) for fact in (told.pixel_format or "", size, rate) if fact]
    lines = [f"source: {', '.join(facts)}"] if facts else []
    if told.live:
        lines.append(
            f"{stream.dropped} dropped for newer ones, {stream.repeated} repeated, opened anew "
            f"{counted(stream.reconnects, 'time')}; age of a frame {_CLOCKS[told.timestamps]}"
        )
    if stream.refused:
        lines.append(f"{counted(stream.refused, 'frame')} could not be looked at")
    how = "beside" if stream.overlap else "in turn with"
    if stream.accounted is not None:
        lines.append(f"captured {how} inference; the stages add up to {100 * stream.accounted:.1f} % of the whole")
    return lines


def stream_summaries(stream: Stream) -> Iterator[tuple[str, LatencySummary]]:
    """The stages, the whole, and the age where there is one."""
    yield from stream.stages.items()
    if stream.whole is not None:
        yield "whole", stream.whole
    if stream.age is not None:
        yield "age", stream.age
