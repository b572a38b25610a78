"""A session with the detection agent: load a bundle, detect on pictures, measure, stream."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.board.conversation import Client, Conversation, Reply, Request
from edgeproof.board.printable import printable
from edgeproof.board.transport import Transport
from edgeproof.errors import AgentRefusedError
from edgeproof.results import (
    STAGES,
    BenchResult,
    BoardState,
    Detections,
    LoadResult,
    PictureResult,
    RuntimeInfo,
    SampleBlock,
    StreamFrame,
    StreamResult,
    joined_samples,
)
from edgeproof_agent.arrays import unpack_arrays
from edgeproof_agent.fields import FieldError, Fields
from edgeproof_agent.manifest import Manifest, ManifestError
from edgeproof_agent.manifest_reader import parse_manifest

START_SECONDS = 120.0
LOAD_SECONDS = 300.0
SILENCE_SECONDS = 60.0
"""How long the agent may be silent while it works: no inference of an SSD takes that long on any board."""
_MAX_SIDE = 1 << 16
_MAX_NS = 2**62
_MAX_LABELS = 200_001


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle as the board has loaded it."""

    manifest: Manifest
    labels: tuple[str, ...]
    """The lines of its labels.txt."""
    load: LoadResult


class AgentSession(Client):
    """Not for more than one thread. Close it, or use it as a context. See `Conversation` for what every call raises."""

    def __init__(self, conversation: Conversation, board: str) -> None:
        self.board = board
        super().__init__(conversation)
        hello = conversation.hello(START_SECONDS)
        with conversation.reading():
            runtime = hello.nested("runtime")
            name, version = (runtime.text(field, max_length=64) for field in ("name", "version"))
            self.runtime = RuntimeInfo(printable(name), printable(version))
            self.python = printable(hello.text("python", max_length=64))
            self.pid = hello.integer("pid", high=2**31)

    def prove(self, model: bytes) -> None:
        """Has the agent build and run an interpreter for a model that adds one to its input."""
        self._conversation.request(Request("prove", payload=model), START_SECONDS)

    def load(self, bundle_path: str, threads: int | None = None) -> LoadedBundle:
        """Loads a bundle by its path on the board and runs it once. `threads` None leaves their number to the board."""
        arguments: dict[str, Any] = {"bundle": bundle_path}
        if threads is not None:
            arguments["threads"] = threads
        fields = self._conversation.request(Request("load", arguments), LOAD_SECONDS).fields
        with self._conversation.reading():
            return LoadedBundle(
                manifest=_manifest(fields),
                labels=tuple(_label(item) for item in fields.items("labels", _MAX_LABELS)),
                load=LoadResult(
                    load_ns=fields.integer("load_ns", high=_MAX_NS),
                    first_invoke_ns=fields.integer("first_invoke_ns", high=_MAX_NS),
                    threads=fields.integer("threads", low=1, high=4096),
                ),
            )

    def prepare(self, picture: bytes) -> npt.NDArray[Any]:
        """The input tensor [1, H, W, 3] that the agent makes of an encoded picture."""
        reply = self._conversation.request(Request("prepare", payload=picture))
        with self._conversation.reading():
            return _array(unpack_arrays(reply.fields, reply.payload), "input", None, 4)

    def detect(self, pictures: Iterable[tuple[str, bytes]]) -> Iterator[PictureResult]:
        """Detections on encoded pictures, given as (name, bytes), in their order; sent ahead of the answers.

        A picture that the board cannot read gets its `error`, and the rest go on.
        """
        names: list[str] = []

        def requests() -> Iterator[Request]:
            for name, data in pictures:
                names.append(name)
                yield Request("detect", payload=data)

        outcomes = self._conversation.pipeline(requests(), seconds=SILENCE_SECONDS)
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, AgentRefusedError):
                if outcome.kind != "picture":
                    raise outcome
                yield PictureResult(names[index], error=str(outcome).partition(": ")[2])
                continue
            with self._conversation.reading():
                yield _picture_result(names[index], outcome)

    def bench(
        self,
        picture: bytes,
        runs: int,
        warmup_runs: int,
        max_seconds: float = 86_400.0,
        on_block: Callable[[SampleBlock], None] = lambda _: None,
    ) -> BenchResult:
        """Runs the pipeline on one encoded picture `runs` times, or as often as `max_seconds` allow.

        `on_block` is given samples as they come, so that what had arrived is there when the agent dies.
        """
        blocks: list[SampleBlock] = []
        events = measured = 0

        def on_event(_: str, event: Reply) -> None:
            nonlocal events, measured
            events += 1
            arrays = unpack_arrays(event.fields, event.payload)
            block = {stage: _array(arrays, stage, "int64", 1) for stage in STAGES if stage in arrays}
            measured += max([0, *(len(values) for values in block.values())])
            # The agent sends a block after a run at the earliest, and one at the end.
            if measured > runs or events > warmup_runs + runs + 1:
                raise FieldError(f"{runs} runs were asked for, and more came")
            if block:
                if "invoke" not in block or len({len(values) for values in block.values()}) != 1:
                    raise FieldError("the samples of a stage are missing")
                blocks.append(block)
                on_block(block)

        arguments = {"runs": runs, "warmup_runs": warmup_runs, "max_seconds": max_seconds}
        reply = self._conversation.request(Request("bench", arguments, picture), SILENCE_SECONDS, on_event)
        with self._conversation.reading():
            if measured == 0:
                raise FieldError("no samples came")
            try:
                samples = joined_samples(blocks)
            except ValueError as error:
                raise FieldError(str(error)) from error
            return BenchResult(samples, warmup_runs, _state(reply.fields, "before"), _state(reply.fields, "after"))

    def stream(
        self, source: str, frames: int, on_frame: Callable[[StreamFrame], bool], jpeg_every: int = 0
    ) -> StreamResult:
        """Detects on a video or camera of the board. `source` is a path there or a camera's number.

        `on_frame` is told each frame as it comes and returns False to stop. A slow `on_frame` slows the board, which
        has only a few frames unanswered. Every `jpeg_every`-th frame brings its picture along.
        """

        stopping = False
        arrived = 0

        def on_event(_: str, event: Reply) -> str | None:
            nonlocal stopping, arrived
            index = event.fields.integer("index", low=arrived, high=arrived)
            arrived += 1
            if arrived > frames:
                raise FieldError(f"{frames} frames were asked for, and more came")
            if stopping:
                return None  # was under way when the agent was told to stop
            arrays = unpack_arrays(event.fields, event.payload)
            jpeg = arrays.pop("jpeg", None)
            frame = StreamFrame(
                index=index,
                result=_picture_result(f"frame {index}", event),
                jpeg=None if jpeg is None else _array({"jpeg": jpeg}, "jpeg", "uint8", 1).tobytes(),
            )
            stopping = not on_frame(frame)
            return "stop" if stopping else "more"

        arguments = {"source": source, "frames": frames, "jpeg_every": jpeg_every}
        fields = self._conversation.request(Request("stream", arguments), SILENCE_SECONDS, on_event).fields
        with self._conversation.reading():
            return StreamResult(
                fields.integer("frames", low=arrived, high=arrived), _state(fields, "before"), _state(fields, "after")
            )

    def state(self) -> BoardState:
        """The board's state at this moment."""
        fields = self._conversation.request(Request("state")).fields
        with self._conversation.reading():
            return _state(fields, "state")


def start_session(transport: Transport, command: str) -> AgentSession:
    """Starts the agent by `command` in one channel and agrees on the protocol."""
    channel = transport.open(command)
    try:
        return AgentSession(Conversation(channel, f"the agent on {transport.name}"), transport.name)
    except BaseException:
        channel.close()
        raise


def _picture_result(name: str, reply: Reply) -> PictureResult:
    fields = reply.fields
    arrays = unpack_arrays(fields, reply.payload)
    boxes = _array(arrays, "boxes", "float32", 2)
    classes = _array(arrays, "classes", "int32", 1)
    scores = _array(arrays, "scores", "float32", 1)
    if boxes.shape != (len(scores), 4) or len(classes) != len(scores):
        raise FieldError(f"boxes {boxes.shape}, classes {classes.shape} and scores {scores.shape} do not go together")
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise FieldError("boxes and scores must be finite")
    stages = fields.nested("stages_ns")
    return PictureResult(
        name=name,
        width=fields.integer("width", low=1, high=_MAX_SIDE),
        height=fields.integer("height", low=1, high=_MAX_SIDE),
        detections=Detections(boxes, classes, scores),
        stages_ns={stage: stages.integer(stage, high=_MAX_NS) for stage in STAGES if stage in stages},
    )


def _manifest(fields: Fields) -> Manifest:
    try:
        return parse_manifest(fields.mapping("manifest"))
    except ManifestError as error:
        raise FieldError(str(error)) from error


def _label(item: object) -> str:
    if not isinstance(item, str):
        raise FieldError("labels must be strings")
    return printable(item)


def _array(arrays: Mapping[str, npt.NDArray[Any]], name: str, dtype: str | None, dimensions: int) -> npt.NDArray[Any]:
    array = arrays.get(name)
    if array is None or array.ndim != dimensions or (dtype is not None and array.dtype != dtype):
        raise FieldError(f"an array {name!r} with {dimensions} dimensions is missing")
    return array


def _state(fields: Fields, name: str) -> BoardState:
    state = fields.nested(name)

    def number(key: str) -> float | None:
        return state.number(key) if key in state else None

    return BoardState(
        temperature_celsius=number("temperature_celsius"),
        clock_mhz=number("clock_mhz"),
        governor=printable(state.text("governor", max_length=64)) if "governor" in state else None,
        throttled_bits=state.integer("throttled_bits", high=2**32) if "throttled_bits" in state else None,
        load_1min=number("load_1min"),
        memory_available_mib=number("memory_available_mib"),
        peak_rss_mib=number("peak_rss_mib"),
    )
