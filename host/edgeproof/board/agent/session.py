"""A session with the detection agent: load a bundle, detect on pictures, measure, profile, stream."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from edgeproof.board.agent.board_sampling import board_sampling
from edgeproof.board.agent.profiling import ProfilingAgent
from edgeproof.board.agent.streaming import SourceWord, StreamListener, StreamOptions
from edgeproof.board.link.conversation import Reply, Request
from edgeproof.errors import AgentRefusedError
from edgeproof.record.board import BoardState
from edgeproof.record.detections import (
    STAGES,
    BenchResult,
    Detections,
    PictureResult,
    SampleBlock,
    StepDigests,
    StreamFrame,
    StreamResult,
    joined_samples,
)
from edgeproof.wording.printable import printable
from edgeproof_agent.bundle.manifest import Manifest
from edgeproof_agent.detection.arrays import unpack_arrays
from edgeproof_agent.detection.checks import MAX_CLASSES, DetectionError, check_detections
from edgeproof_agent.pictures.header import HeaderError, is_jpeg, read_size
from edgeproof_agent.wire.answering import MAX_MESSAGE_CHARACTERS
from edgeproof_agent.wire.fields import FieldError, Fields

_PICTURE_KINDS = ("picture", "model", "memory")
"""Refusals that say something of one picture: the others may well get through."""
_MAX_SIDE = 1 << 16
_MAX_NS = 2**62
_MAX_CLUSTERS, _MAX_CPUS = 32, 1 << 16
_MAX_OUTPUTS = 64
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLAIN = StreamOptions()


class AgentSession(ProfilingAgent):
    """Also detects, measures and streams."""

    def prepare(self, picture: bytes) -> npt.NDArray[Any]:
        """The input tensor [1, H, W, 3] that the agent makes of an encoded picture."""
        reply = self._conversation.request(Request("prepare", payload=picture))
        with self._conversation.reading():
            return _array(unpack_arrays(reply.fields, reply.payload), "input", None, 4)

    def outputs(self, picture: bytes) -> list[npt.NDArray[Any]]:
        """The model's raw output tensors on an encoded picture, in the model's order."""
        reply = self._conversation.request(Request("outputs", payload=picture), self._silence_seconds)
        with self._conversation.reading():
            arrays = unpack_arrays(reply.fields, reply.payload)
            names = [f"output{place}" for place in range(len(arrays))]
            if not arrays or set(names) != set(arrays):
                raise FieldError(f"the arrays are not output0 to output{len(arrays) - 1}")
            return [arrays[name] for name in names]

    def detect(self, pictures: Iterable[tuple[str, bytes]], digests: bool = False) -> Iterator[PictureResult]:
        """Detections on encoded pictures, given as (name, bytes), in their order; sent ahead of the answers.

        With `digests`, each result has those of what every step made.

        A picture that the board cannot read, or on which the model gives no sound detections, gets its `error`, and
        the rest go on.
        """
        names: list[str] = []

        def requests() -> Iterator[Request]:
            for name, data in pictures:
                names.append(name)
                yield Request("detect", {"digests": True} if digests else {}, data)

        outcomes = self._conversation.pipeline(requests(), seconds=self._silence_seconds)
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, AgentRefusedError):
                if outcome.kind not in _PICTURE_KINDS:
                    raise outcome
                yield PictureResult(names[index], error=str(outcome).partition(": ")[2])
                continue
            with self._conversation.reading():
                result = _picture_result(names[index], outcome, self._manifest)
                if digests:
                    result = replace(result, digests=_step_digests(outcome.fields.nested("digests")))
            yield result

    def bench(
        self,
        picture: bytes,
        runs: int,
        warmup_runs: int,
        max_seconds: float = 86_400.0,
        on_block: Callable[[SampleBlock], None] = lambda _: None,
        yardstick: bool = False,
        idle_seconds: float = 0.0,
    ) -> BenchResult:
        """Runs the pipeline on one encoded picture `runs` times, or as often as `max_seconds` allow.

        With `yardstick`, the states before and after hold the time of a fixed piece of work. Where the board tells what
        it draws, it rests for `idle_seconds` first, to tell what it draws then.

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

        arguments: dict[str, Any] = {"runs": runs, "warmup_runs": warmup_runs, "max_seconds": max_seconds}
        if yardstick:
            arguments["yardstick"] = True
        if idle_seconds:
            arguments["idle_seconds"] = idle_seconds
        longest = self._silence_seconds + idle_seconds
        reply = self._conversation.request(Request("bench", arguments, picture), longest, on_event)
        with self._conversation.reading():
            if measured == 0:
                raise FieldError("no samples came")
            try:
                samples = joined_samples(blocks)
            except ValueError as error:
                raise FieldError(str(error)) from error
            before, after = (_state(reply.fields, moment) for moment in ("before", "after"))
            return replace(
                board_sampling(reply), samples_ns=samples, warmup_runs=warmup_runs, before=before, after=after
            )

    def stream(
        self,
        source: str,
        frames: int,
        on_frame: Callable[[StreamFrame], bool],
        options: StreamOptions = _PLAIN,
        on_word: Callable[[SourceWord], None] = lambda _: None,
    ) -> StreamResult:
        """Detects on a source of the board, as `edgeproof_agent.sources.grammar` has it.

        `on_frame` is told each frame as it comes and returns False to stop. A slow `on_frame` slows the board, which
        has only a few frames unanswered. `on_word` is told what was opened, and what befalls it.
        """
        listener = StreamListener(frames, self._frame, on_frame, on_word)
        arguments = {"source": source, "frames": frames, **options.to_json()}
        request = Request("stream", arguments)
        fields = self._conversation.request(request, self._silence_seconds, listener.on_event).fields
        with self._conversation.reading():
            return StreamResult(
                fields.integer("frames", low=listener.arrived, high=listener.arrived),
                _state(fields, "before"),
                _state(fields, "after"),
                listener.told,
                **{name: fields.integer(name, default=0) for name in ("dropped", "repeated", "reconnects")},
            )

    def _frame(self, index: int, event: Reply) -> StreamFrame:
        return _stream_frame(index, event, self._manifest)

    def state(self) -> BoardState:
        """The board's state at this moment."""
        fields = self._conversation.request(Request("state")).fields
        with self._conversation.reading():
            return _state(fields, "state")


def _picture_result(name: str, reply: Reply, manifest: Manifest | None) -> PictureResult:
    """Raises `FieldError` for what is not the protocol; detections that mean nothing are that picture's error."""
    fields = reply.fields
    arrays = unpack_arrays(fields, reply.payload)
    boxes = _array(arrays, "boxes", "float32", 2)
    classes = _array(arrays, "classes", "int32", 1)
    scores = _array(arrays, "scores", "float32", 1)
    if boxes.shape != (len(scores), 4) or len(classes) != len(scores):
        raise FieldError(f"boxes {boxes.shape}, classes {classes.shape} and scores {scores.shape} do not go together")
    stages = fields.nested("stages_ns")
    result = PictureResult(
        name=name,
        width=fields.integer("width", low=1, high=_MAX_SIDE),
        height=fields.integer("height", low=1, high=_MAX_SIDE),
        stages_ns={stage: stages.integer(stage, high=_MAX_NS) for stage in STAGES if stage in stages},
    )
    try:
        check_detections(boxes, classes, scores, MAX_CLASSES if manifest is None else manifest.output.max_rows)
    except DetectionError as error:
        return replace(result, error=str(error))
    return replace(result, detections=Detections(boxes, classes, scores))


def _step_digests(fields: Fields) -> StepDigests:
    outputs = fields.items("outputs", _MAX_OUTPUTS, min_items=1)
    digests = [fields.text("pixels", max_length=64), fields.text("input", max_length=64), *outputs]
    if not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in digests):
        raise FieldError(f"{fields.path('')} must be SHA-256 digests")
    return StepDigests(digests[0], digests[1], tuple(outputs))


def _stream_frame(index: int, event: Reply, manifest: Manifest | None) -> StreamFrame:
    fields = event.fields
    name = printable(fields.text("name")) if "name" in fields else f"frame {index}"
    plain = StreamFrame(
        index,
        PictureResult(name),
        jpeg=None,
        **{key: fields.integer(key, high=_MAX_NS) for key in ("media_ns", "whole_ns", "age_ns") if key in fields},
        repeated=fields.flag("repeated_frame", default=False),
        dropped=fields.integer("dropped", default=0),
        repeats=fields.integer("repeated", default=0),
        reconnects=fields.integer("reconnects", default=0),
        state=_state(fields, "state") if "state" in fields else None,
    )
    if "refused" in fields:
        words = printable(fields.text("refused", max_length=MAX_MESSAGE_CHARACTERS))
        return replace(plain, result=PictureResult(name, error=words))
    result = _picture_result(name, event, manifest)
    arrays = unpack_arrays(fields, event.payload)
    if "jpeg" not in arrays:
        return replace(plain, result=result)
    jpeg = _array(arrays, "jpeg", "uint8", 1).tobytes()
    trouble = _trouble_of_frame(jpeg, result)
    if trouble is not None:
        return replace(plain, result=replace(result, detections=None, error=trouble))
    return replace(plain, result=result, jpeg=jpeg)


def _trouble_of_frame(jpeg: bytes, result: PictureResult) -> str | None:
    """What is wrong with a frame by its header: a board could have a small file become gigabytes of pixels."""
    try:
        size = read_size(jpeg) if is_jpeg(jpeg) else None
    except HeaderError as error:
        return f"the frame's picture is broken: {error}"
    if size is None:
        return "the frame's picture is no JPEG"
    if size != (result.width, result.height):
        return f"the frame's picture is {size.width} x {size.height} pixels, not {result.width} x {result.height}"
    return None


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
        clocks_mhz=tuple(state.numbers_up_to("clocks_mhz", _MAX_CLUSTERS)) if "clocks_mhz" in state else (),
        governor=printable(state.text("governor", max_length=64)) if "governor" in state else None,
        throttled_bits=state.integer("throttled_bits", high=2**32) if "throttled_bits" in state else None,
        load_1min=number("load_1min"),
        memory_available_mib=number("memory_available_mib"),
        peak_rss_mib=number("peak_rss_mib"),
        busy_cpu_seconds=number("busy_cpu_seconds"),
        own_cpu_seconds=number("own_cpu_seconds"),
        uptime_seconds=number("uptime_seconds"),
        cpus_allowed=state.integer("cpus_allowed", low=1, high=_MAX_CPUS) if "cpus_allowed" in state else None,
        cooling_state=state.integer("cooling_state", high=2**16) if "cooling_state" in state else None,
        yardstick_ns=state.integer("yardstick_ns", low=1, high=_MAX_NS) if "yardstick_ns" in state else None,
    )
