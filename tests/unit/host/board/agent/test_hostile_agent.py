"""A board that means harm, or is broken, gives the host errors of ours: no other error, no hang, no memory."""

import copy
import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.agent.streaming import StreamOptions
from edgeproof.board.link.conversation import Conversation, Request
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel, ErrorOutput, ExitStatus
from edgeproof.board.prune import drop_old_runtimes
from edgeproof.board.store.client import BoardStore
from edgeproof.board.store.local_objects import LocalObject, describe_file
from edgeproof.board.store.status import read_status
from edgeproof.errors import (
    AgentDiedError,
    AgentRefusedError,
    BoardPythonError,
    DeadlineError,
    DeploymentError,
    EdgeproofError,
    ProtocolError,
)
from edgeproof.record.detections import BenchResult, PictureResult, StepDigests, StreamFrame
from edgeproof.verify.operator_times import profile_of
from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.detection.arrays import pack_arrays
from edgeproof_agent.store.objects import Kind
from tests.support.boards import profiles as boards
from tests.support.example_manifest import MANIFEST
from tests.support.hostile import DIGEST, JSON, MUTATIONS, NAMED_ARRAYS, NOT_FRAMES, PAYLOADS, claiming, framed, mutated

_MAX_PARTS = 20_000
"""Whoever has read this much of an endless stream would read for ever."""

Message = tuple[dict[str, Any], bytes]


class FakeChannel(Channel):
    """Says what it was told to, whatever is sent to it."""

    def __init__(
        self,
        said: Iterable[bytes],
        status: int | None = 1,
        at_once: int = 1 << 20,
        on_receive: Callable[[], None] = lambda: None,
        silent_at_end: bool = False,
        deaf: bool = False,
    ) -> None:
        self.error_output = ErrorOutput()
        self.error_output.add(b"Traceback\x1b[2J\nMemoryError\n")
        self.closed = False
        self._parts = iter(said)
        self._rest = b""
        self._status = status
        self._at_once = at_once
        self._on_receive = on_receive
        self._silent_at_end = silent_at_end
        self._deaf = deaf
        self._count = 0

    def send(self, data: bytes, deadline: Deadline) -> None:
        deadline.remaining_seconds()
        if self._deaf:
            raise BrokenPipeError("nobody reads")

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        self._on_receive()
        deadline.remaining_seconds()
        while not self._rest:
            self._count += 1
            assert self._count < _MAX_PARTS, "the host reads for ever"
            part = next(self._parts, None)
            if part is None:
                if self._silent_at_end:
                    raise deadline.error()
                return b""
            self._rest = part
        size = min(max_bytes, self._at_once)
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def wait(self, deadline: Deadline) -> ExitStatus:
        if self._status is None:
            raise deadline.error()
        return ExitStatus(self._status)

    def close(self) -> None:
        self.closed = True


def with_arrays(header: dict[str, Any], **arrays: np.ndarray) -> Message:
    descriptions, payload = pack_arrays(arrays)
    return {**header, "arrays": descriptions}, payload


def detections(header: dict[str, Any], **more: np.ndarray) -> Message:
    return with_arrays(
        {"height": 8, "width": 9, "stages_ns": {"decode": 1, "preprocess": 2, "invoke": 3, "total": 6}, **header},
        boxes=np.array([[0.1, 0.2, 0.3, 0.4]], np.float32),
        classes=np.array([1], np.int32),
        scores=np.array([0.9], np.float32),
        **more,
    )


STATE = {
    "temperature_celsius": 48.3,
    "clock_mhz": 1500.0,
    "governor": "ondemand",
    "throttled_bits": 0,
    "load_1min": 0.5,
    "memory_available_mib": 3000.0,
    "peak_rss_mib": 100.0,
    "clocks_mhz": [1500.0],
    "busy_cpu_seconds": 10.0,
    "own_cpu_seconds": 1.0,
    "uptime_seconds": 20.0,
    "cpus_allowed": 4,
    "yardstick_ns": 500_000,
}
HELLO: Message = (
    {
        "id": 1,
        "ok": True,
        "protocol": PROTOCOL_VERSION,
        "agent": "1",
        "python": "3.11.2",
        "pid": 4711,
        "runtime": {"name": "tflite-runtime", "version": "2.14.0"},
    },
    b"",
)
LOADED: Message = (
    {
        "id": 2,
        "ok": True,
        "manifest": MANIFEST.to_json(),
        "labels": ["???", "person"],
        "threads": 4,
        "cpus": {"total": 8, "allowed": 4, "quota": 1.5, "big": 4, "cores": "all", "usable": 2},
        "load_ns": 1,
        "first_invoke_ns": 2,
    },
    b"",
)
SAMPLES = {"invoke": np.array([5, 6], np.int64), "total": np.array([7, 8], np.int64)}
SAMPLING = {
    "timeline": [
        {
            "at_seconds": 0.0,
            "temperature_celsius": 48.3,
            "throttled_bits": 0,
            "load_1min": 0.5,
            "rss_mib": 90.0,
            "clusters": [{"first_cpu": 0, "clock_mhz": 1500.0, "limit_mhz": 1500.0, "busy": 0.9}],
        },
        {"at_seconds": 1.0},
    ],
    "watts": [4.0, 4.5],
    "seconds": 1.5,
    "cpu_share": 0.001,
    "source": {"name": "ina226", "kind": "meter", "idle_watts": [2.0]},
}
JPEG = cv2.imencode(".jpg", np.zeros((8, 9, 3), np.uint8))[1].ravel()
AGENT_ANSWERS: list[Message] = [
    HELLO,
    LOADED,
    with_arrays({"id": 3, "ok": True}, input=np.zeros((1, 2, 3, 3), np.uint8)),
    detections({"id": 4, "ok": True}),
    ({"id": 5, "error": {"kind": "picture", "message": "it is broken"}}, b""),
    ({"id": 6, "event": "block", "arrays": []}, b""),
    with_arrays({"id": 6, "event": "block"}, **SAMPLES),
    with_arrays(
        {"id": 6, "ok": True, "before": STATE, "after": dict.fromkeys(STATE)},
        sampling=np.frombuffer(json.dumps(SAMPLING).encode(), np.uint8),
    ),
    detections({"id": 7, "event": "frame", "index": 0}, jpeg=JPEG),
    detections({"id": 7, "event": "frame", "index": 1}),
    ({"id": 7, "ok": True, "frames": 2, "before": STATE, "after": STATE}, b""),
    ({"id": 8, "ok": True, "state": STATE}, b""),
    detections({"id": 9, "ok": True, "digests": {"pixels": DIGEST, "input": DIGEST, "outputs": [DIGEST, DIGEST]}}),
    with_arrays({"id": 10, "ok": True}, output0=np.zeros((1, 4), np.float32), output1=np.zeros(1, np.float32)),
    with_arrays(
        {
            "id": 11,
            "ok": True,
            "threads": 2,
            "operators": [
                {"kernel": "Convolution (NHWC, F32) IGEMM", "delegated": True, "operator": "CONV_2D", "layer": "conv"},
                {"kernel": "ADD", "delegated": False},
            ],
        },
        us=np.array([[5, 6], [7, 8]], np.int64),
        **{name: np.array([20, 30], np.int64) for name in ("invoke_us", "plain_us", "profiled_us")},
    ),
    ({"id": 12, "ok": True, "unavailable": "it has\x1b none"}, b""),
]


def encode(messages: Iterable[Message]) -> bytes:
    return b"".join(framed(header, payload) for header, payload in messages)


def kept_in(frames: list[StreamFrame]) -> Callable[[StreamFrame], bool]:
    def keep(frame: StreamFrame) -> bool:
        frames.append(frame)
        return True

    return keep


def talk_to_agent(channel: FakeChannel) -> tuple[list[PictureResult], BenchResult, list[StreamFrame]]:
    """All that a host asks of an agent, with a check of whatever comes through."""
    with AgentSession(Conversation(channel, "the agent on pi"), "pi") as session:
        session.load("bundle")
        session.prepare(b"picture")
        pictures = list(session.detect([("a", b"1"), ("b", b"2")]))
        bench = session.bench(b"picture", runs=2, warmup_runs=1)
        frames: list[StreamFrame] = []
        session.stream("video", 2, kept_in(frames))
        session.state()
        pictures += session.detect([("c", b"3")], digests=True)
        outputs = session.outputs(b"picture")
        profile, _ = (session.profile(b"picture", b"proof", 2, 0, 1.0) for _ in range(2))
    assert len(outputs) >= 1
    if not isinstance(profile, str):
        assert 0 <= sum(time.share for time in profile_of(profile).operators) < 1 + 1e-9
    for result in pictures + [frame.result for frame in frames]:
        if result.detections is not None:
            assert np.isfinite(result.detections.boxes).all()
            assert result.detections.boxes.shape == (len(result.detections), 4)
    assert 1 <= bench.runs <= 2
    assert len(frames) <= 2
    return pictures, bench, frames


def talk_to_store(channel: FakeChannel, folder: Path) -> None:
    """All that a host asks of a board's store."""
    path = folder / "model"
    path.write_bytes(b"content")
    item = LocalObject(Kind.MEDIA, DIGEST, {describe_file("a", path): path})
    with BoardStore(Conversation(channel, "the store service on pi"), "pi") as store:
        store.refresh()
        store.send(item, "a file")
        store.build_runtime(DIGEST, "tflite-runtime", "2.14.0", 60)
        store.publish_runtime(DIGEST)
        store.switch("app", DIGEST)
        status = read_status(store)
        dropped = drop_old_runtimes(store)
    shown = [status.apps, *status.disk_bytes, *((item.kind, item.name) for item in dropped)]
    assert "\x1b" not in str(shown)


INVENTORY = {
    "agents": [DIGEST],
    "bundles": [DIGEST, "b" * 64],
    "runtimes": [{"digest": DIGEST, "name": "tflite-runtime", "version": "2.14.0", "path": "/home/pi/x"}],
    "apps": {"app": {"current": DIGEST, "previous": None}},
}
SERVED = {
    "digest": DIGEST,
    "name": "people",
    "variant": "int8",
    "since_seconds": 1000.0,
    "disk_bytes": 4096,
    "has_signature": False,
}
UNWANTED = {"kind": "bundles", "name": "b" * 64, "disk_bytes": 4096, "in_use": False}
STORE_ANSWERS: list[Message] = [
    (
        {"id": 1, "ok": True, "protocol": PROTOCOL_VERSION, "root": "/home/pi/.edgeproof", "facts": boards.probe_of()}
        | INVENTORY,
        b"",
    ),
    ({"id": 2, "ok": True, **INVENTORY}, b""),
    ({"id": 3, "ok": True, "present": False, "offsets": {"a": 2}, "known": {"a": [[3, 5]]}}, b""),
    ({"id": 4, "ok": True, "size_bytes": 5}, b""),
    ({"id": 5, "ok": True, "size_bytes": 7}, b""),
    ({"id": 6, "ok": True, "path": "/x"}, b""),
    ({"id": 7, "event": "working"}, b""),
    ({"id": 7, "ok": True, "path": "/x"}, b""),
    ({"id": 8, "ok": True, "path": "/x"}, b""),
    ({"id": 9, "ok": True, "before": DIGEST}, b""),
    (
        {
            "id": 10,
            "ok": True,
            "now_seconds": 2000.5,
            "apps": {"app": {"current": SERVED, "previous": None}},
            "disk_bytes": {"bundles": 4096, "media": 0},
            "free_bytes": 10**9,
        },
        b"",
    ),
    ({"id": 11, "ok": True, "unwanted": [UNWANTED]}, b""),
]


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, as the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places_in(inner, (*path, key))


def changed(header: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    header = copy.deepcopy(header)
    place: Any = header
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return header


@st.composite
def wrong_answers(draw: st.DrawFn, answers: list[Message]) -> bytes:
    """Good answers but for a few fields at any depth, payloads and the answers' order."""
    said = list(answers)
    for _ in range(draw(st.integers(1, 2))):
        index = draw(st.integers(0, len(said) - 1))
        header, payload = said[index]
        change = draw(st.sampled_from(["field", "field", "field", "arrays", "payload", "drop", "repeat", "refuse"]))
        if change == "field":
            said[index] = (changed(header, draw(st.sampled_from(list(places_in(header)))), draw(JSON)), payload)
        elif change == "arrays":
            said[index] = ({**header, "arrays": draw(NAMED_ARRAYS)}, draw(PAYLOADS))
        elif change == "payload":
            said[index] = (header, draw(PAYLOADS))
        elif change == "refuse":
            said[index] = ({"id": header["id"], "error": draw(JSON)}, payload)
        else:
            said[index : index + 1] = [] if change == "drop" else [said[index]] * 2
        if not said:
            break
    return encode(said)


def assert_ours(talk: Callable[[], object]) -> EdgeproofError | None:
    """Runs it; an error that is not of this project gets through and fails the test."""
    try:
        talk()
    except EdgeproofError as caught:
        error = caught
    else:
        return None
    assert "\x1b" not in str(error), "a board can steer the terminal"
    assert len(str(error)) < 30_000
    return error


def test_a_good_board_is_understood(tmp_path: Path) -> None:
    channel = FakeChannel([encode(AGENT_ANSWERS)])
    pictures, bench, frames = talk_to_agent(channel)
    assert [result.error for result in pictures] == [None, "it is broken", None]
    assert pictures[2].digests == StepDigests(DIGEST, DIGEST, (DIGEST, DIGEST))
    assert {stage: samples.tolist() for stage, samples in bench.samples_ns.items()} == {
        "invoke": [5, 6],
        "total": [7, 8],
    }
    assert [frame.jpeg for frame in frames] == [JPEG.tobytes(), None]
    assert channel.closed
    talk_to_store(FakeChannel([encode(STORE_ANSWERS)]), tmp_path)


@settings(max_examples=300)
@given(said=wrong_answers(AGENT_ANSWERS))
def test_wrong_answers_of_an_agent_are_errors_of_ours(said: bytes) -> None:
    assert_ours(lambda: talk_to_agent(FakeChannel([said])))


@settings(max_examples=300)
@given(said=wrong_answers(STORE_ANSWERS))
def test_wrong_answers_of_a_store_are_errors_of_ours(tmp_path: Path, said: bytes) -> None:
    assert_ours(lambda: talk_to_store(FakeChannel([said]), tmp_path))


@settings(max_examples=200)
@given(mutations=st.lists(MUTATIONS, min_size=1, max_size=3), at_once=st.sampled_from([1, 7, 1 << 20]))
def test_answers_with_other_bytes_in_them_are_errors_of_ours(
    tmp_path: Path, mutations: list[tuple[int, bytes, bool]], at_once: int
) -> None:
    agent, store = encode(AGENT_ANSWERS), encode(STORE_ANSWERS)
    for mutation in mutations:
        agent, store = mutated(agent, *mutation), mutated(store, *mutation)
    assert_ours(lambda: talk_to_agent(FakeChannel([agent], at_once=at_once)))
    assert_ours(lambda: talk_to_store(FakeChannel([store], at_once=at_once), tmp_path))


@settings(max_examples=200)
@given(good=st.integers(0, len(AGENT_ANSWERS) - 1), junk=NOT_FRAMES)
def test_what_is_no_frame_is_an_error_of_ours_at_any_point_of_a_talk(good: int, junk: bytes) -> None:
    assert assert_ours(lambda: talk_to_agent(FakeChannel([encode(AGENT_ANSWERS[:good]), junk]))) is not None


def test_a_board_that_dies_at_any_byte_is_told_as_dead_or_cut(tmp_path: Path) -> None:
    talks: list[tuple[list[Message], Callable[[FakeChannel], object]]] = [
        (AGENT_ANSWERS, talk_to_agent),
        (STORE_ANSWERS, lambda channel: talk_to_store(channel, tmp_path)),
    ]
    for answers, talk in talks:
        said = encode(answers)
        starts = {len(encode(answers[:index])) for index in range(len(answers))}
        for length in range(len(said)):
            channel = FakeChannel([said[:length]], status=137)
            error = assert_ours(lambda: talk(channel))  # noqa: B023
            assert isinstance(error, AgentDiedError if length in starts else ProtocolError), f"cut at byte {length}"
            assert "MemoryError" in str(error), "the last words are told"
            if length in starts:
                assert "killed by signal 9 (SIGKILL)" in str(error)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (0, AgentDiedError, "the agent on pi died: exit status 0"),
        (139, AgentDiedError, "died: killed by signal 11 (SIGSEGV)"),
        (-1, AgentDiedError, "died: the connection broke before its exit status came"),
        (None, AgentDiedError, "closed its output but still runs"),
        (5, AgentDiedError, "died: exit status 5"),
        (126, BoardPythonError, "the board needs Python 3.9 or newer"),
        (127, BoardPythonError, "the board needs Python 3.9 or newer"),
    ],
)
@pytest.mark.parametrize("deaf", [False, True])
def test_how_a_board_ended_is_told(status: int | None, error: type[EdgeproofError], words: str, deaf: bool) -> None:
    with pytest.raises(error) as caught:
        talk_to_agent(FakeChannel([], status=status, deaf=deaf))
    assert words in str(caught.value)
    assert "Its last words:\nTraceback[2J\nMemoryError" in str(caught.value)


@pytest.mark.parametrize("said", [b"", b"WELCOME to the garden board\n"])
def test_a_python_that_prints_or_ends_is_told_as_the_cause(said: bytes) -> None:
    with pytest.raises((AgentDiedError, ProtocolError), match="`python` in edgeproof.toml names may be no Python"):
        talk_to_agent(FakeChannel([said], status=0))
    with pytest.raises((AgentDiedError, ProtocolError)) as caught:
        talk_to_agent(FakeChannel([encode(AGENT_ANSWERS[:1]) + said], status=0))
    assert "edgeproof.toml" not in str(caught.value)


@pytest.mark.parametrize("good", range(len(AGENT_ANSWERS)))
def test_a_board_that_falls_silent_meets_a_deadline(good: int) -> None:
    channel = FakeChannel([encode(AGENT_ANSWERS[:good])], silent_at_end=True)
    with pytest.raises(DeadlineError, match="the board or the connection hangs"):
        talk_to_agent(channel)


@pytest.mark.parametrize("good", [1, len(AGENT_ANSWERS) - 1])
def test_a_board_that_trickles_bytes_meets_a_deadline(good: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, the frame does not."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def second_passes() -> None:
        now[0] += 1.0

    said = chain([encode(AGENT_ANSWERS[:good]), claiming(1000, 0)], repeat(b" "))
    error = assert_ours(lambda: talk_to_agent(FakeChannel(said, on_receive=second_passes)))
    assert isinstance(error, DeadlineError)


def endless(first: int, message: Callable[[int], Message]) -> FakeChannel:
    """The first good answers, and then messages for ever."""
    return FakeChannel(chain([encode(AGENT_ANSWERS[:first])], (framed(*message(number)) for number in count())))


@pytest.mark.parametrize(
    "block",
    [
        ({"id": 6, "event": "block", "arrays": []}, b""),
        with_arrays({"id": 6, "event": "block"}, **SAMPLES),
        with_arrays({"id": 6, "event": "block"}, invoke=np.zeros(0, np.int64)),
        with_arrays({"id": 6, "event": "block"}, nothing=np.zeros(0, np.int64)),
        with_arrays({"id": 6, "event": "block"}, invoke=np.zeros(100_000, np.int64)),
        with_arrays({"id": 6, "event": "anything"}, invoke=np.zeros(1, np.int64)),
    ],
)
def test_a_bench_that_never_ends_is_ended(block: Message) -> None:
    with pytest.raises(ProtocolError, match="2 runs were asked for, and more came"):
        talk_to_agent(endless(5, lambda _: block))


def test_samples_beyond_the_runs_asked_for_are_refused_as_they_come() -> None:
    channel = endless(1, lambda _: with_arrays({"id": 2, "event": "block"}, invoke=np.zeros(11, np.int64)))
    session = AgentSession(Conversation(channel, "the agent on pi"), "pi")
    told: list[object] = []
    with pytest.raises(ProtocolError, match="10 runs were asked for, and more came"):
        session.bench(b"picture", runs=10, warmup_runs=1000, on_block=told.append)
    assert told == []


def test_samples_of_stages_that_do_not_go_together_are_an_error() -> None:
    uneven = with_arrays({"id": 6, "event": "block"}, invoke=np.zeros(2, np.int64), total=np.zeros(1, np.int64))
    answers = [*AGENT_ANSWERS[:5], uneven, AGENT_ANSWERS[7]]
    with pytest.raises(ProtocolError, match="the samples of a stage are missing"):
        talk_to_agent(FakeChannel([encode(answers)]))


def test_a_stream_that_sends_more_than_asked_is_ended() -> None:
    with pytest.raises(ProtocolError, match="2 frames were asked for, and more came"):
        talk_to_agent(endless(8, lambda index: detections({"id": 7, "event": "frame", "index": index})))


def test_a_stream_that_goes_on_after_stop_is_ended() -> None:
    channel = endless(1, lambda index: detections({"id": 2, "event": "frame", "index": index}))
    session = AgentSession(Conversation(channel, "the agent on pi"), "pi")
    with pytest.raises(ProtocolError, match="10 frames were asked for, and more came"):
        session.stream("video", 10, lambda _: False)


@pytest.mark.parametrize("index", [1, -1, 2**53])
def test_a_stream_that_skips_a_frame_is_an_error(index: int) -> None:
    with pytest.raises(ProtocolError, match="index must be between 0 and 0"):
        talk_to_agent(endless(8, lambda _: detections({"id": 7, "event": "frame", "index": index})))


def test_a_build_that_gives_signs_of_life_for_ever_meets_a_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def second_passes() -> None:
        now[0] += 1.0

    said = chain([encode(STORE_ANSWERS[:6])], repeat(framed({"id": 7, "event": "working"})))
    with pytest.raises(DeadlineError, match="for pi to build the runtime"):
        talk_to_store(FakeChannel(said, on_receive=second_passes), tmp_path)


def test_an_event_that_nobody_asked_for_is_an_error() -> None:
    event: Message = ({"id": 2, "event": "surprise\x1b[2J"}, b"")
    with pytest.raises(ProtocolError, match="answered something else than was asked"):
        talk_to_agent(endless(1, lambda _: event))


@pytest.mark.parametrize("answered", [0, 1, 3, 2**53])
def test_an_answer_to_another_request_is_an_error(answered: int) -> None:
    with pytest.raises(ProtocolError, match=f"the agent on pi answered request {answered} instead of 2"):
        talk_to_agent(FakeChannel([encode([HELLO, ({**LOADED[0], "id": answered}, b"")])]))


def sound(rows: int) -> dict[str, np.ndarray]:
    return {
        "boxes": np.zeros((rows, 4), np.float32),
        "classes": np.zeros(rows, np.int32),
        "scores": np.zeros(rows, np.float32),
    }


def result_with(arrays: dict[str, np.ndarray]) -> PictureResult:
    header = {"id": 3, "ok": True, "height": 1, "width": 1, "stages_ns": {}}
    channel = FakeChannel([encode([HELLO, LOADED, with_arrays(header, **arrays)])])
    session = AgentSession(Conversation(channel, "the agent on pi"), "pi")
    session.load("bundle")
    return next(session.detect([("a.png", b"picture")]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["boxes", "scores"])
def test_boxes_and_scores_that_are_no_numbers_are_that_pictures_error(name: str, value: float) -> None:
    arrays = sound(1)
    arrays[name].flat[0] = value
    result = result_with(arrays)
    assert result.detections is None
    assert result.error == f"the model gave {name} that are not finite numbers"


@pytest.mark.parametrize("score", [-0.6, 1.6])
def test_scores_that_are_none_are_that_pictures_error(score: float) -> None:
    arrays = sound(1)
    arrays["scores"][0] = score
    assert "not from 0 to 1" in str(result_with(arrays).error)


@pytest.mark.parametrize("index", [-1, 100_000])
def test_a_class_that_no_model_has_is_that_pictures_error(index: int) -> None:
    arrays = sound(1)
    arrays["classes"][0] = index
    assert "a class outside of 0 to 99999" in str(result_with(arrays).error)


def test_rows_are_bounded_by_the_manifest() -> None:
    most = MANIFEST.output.max_rows
    assert result_with(sound(most)).error is None
    assert f"{most + 1} detections; its manifest allows {most}" in str(result_with(sound(most + 1)).error)


@pytest.mark.parametrize(
    ("jpeg", "trouble"),
    [
        (cv2.imencode(".jpg", np.zeros((90, 8, 3), np.uint8))[1].ravel(), "is 8 x 90 pixels, not 9 x 8"),
        (cv2.imencode(".png", np.zeros((8, 9, 3), np.uint8))[1].ravel(), "is no JPEG"),
        (JPEG[:-2], "is a JPEG that was cut off"),
    ],
)
def test_a_frame_whose_picture_is_another_is_that_frames_error(jpeg: np.ndarray, trouble: str) -> None:
    frame = detections({"id": 3, "event": "frame", "index": 0}, jpeg=jpeg)
    end: Message = ({"id": 3, "ok": True, "frames": 1, "before": STATE, "after": STATE}, b"")
    session = AgentSession(Conversation(FakeChannel([encode([HELLO, LOADED, frame, end])]), "the agent on pi"), "pi")
    session.load("bundle")
    frames: list[StreamFrame] = []
    session.stream("video.mp4", 1, kept_in(frames), StreamOptions(jpeg_every=1))
    assert frames[0].jpeg is None
    assert trouble in str(frames[0].result.error)


def test_a_refusal_is_told_in_the_boards_words_without_its_escapes() -> None:
    refusal: Message = ({"id": 2, "error": {"kind": "bundle", "message": "no\x1b]0;owned\x07 bundle"}}, b"")
    with pytest.raises(AgentRefusedError) as caught:
        talk_to_agent(FakeChannel([encode([HELLO, refusal])]))
    assert str(caught.value) == "the agent on pi: no]0;owned bundle"
    assert caught.value.kind == "bundle"


@pytest.mark.parametrize(("kind", "remedy"), [("disk", "Free some space"), ("busy", "Wait until"), ("checksum", "try")])
def test_a_store_that_refuses_is_told_with_what_to_do(tmp_path: Path, kind: str, remedy: str) -> None:
    refusal: Message = ({"id": 3, "error": {"kind": kind, "message": "no"}}, b"")
    with pytest.raises(DeploymentError, match=remedy) as caught:
        talk_to_store(FakeChannel([encode([*STORE_ANSWERS[:2], refusal])]), tmp_path)
    assert str(caught.value).startswith("pi could not store it: the store service on pi: no\n")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("apps",), {f"app-{number}": {} for number in range(3000)} | {"../x": {}}, "is not a name for an app"),
        (("bundles",), [DIGEST] * 10_001, "bundles must have 0 to 10000 items"),
        (("bundles",), ["../x"], "a digest must be 64 hexadecimal digits"),
        (("runtimes", 0, "digest"), "x", "a digest must be 64 hexadecimal digits"),
        (("runtimes", 0, "path"), "/" * 5000, "is 5000 characters long"),
        (("apps", "app", "current"), "/etc", "a digest must be 64 hexadecimal digits"),
        (("root",), "x" * 5000, "root is 5000 characters long"),
        (("facts", "cpu_count"), 10**9, "cpu_count must be between"),
        (("protocol",), 2, "speaks protocol 2, not 1"),
    ],
)
def test_an_inventory_that_cannot_be_is_an_error(
    tmp_path: Path, path: tuple[Any, ...], value: object, message: str
) -> None:
    hello: Message = (changed(STORE_ANSWERS[0][0], path, value), b"")
    with pytest.raises(ProtocolError, match=message):
        talk_to_store(FakeChannel([encode([hello])]), tmp_path)


@pytest.mark.parametrize("offset", [8, -1, 2**40, "0", None])
def test_a_store_that_has_more_of_a_file_than_there_is_is_an_error(tmp_path: Path, offset: object) -> None:
    begin: Message = (changed(STORE_ANSWERS[2][0], ("offsets", "a"), offset), b"")
    with pytest.raises(ProtocolError, match="offsets.a"):
        talk_to_store(FakeChannel([encode([*STORE_ANSWERS[:2], begin])]), tmp_path)


def test_a_claim_of_gigabytes_allocates_nothing() -> None:
    for lengths in ((2**32 - 1, 2**32 - 1), (2, 2**32 - 1), (1 << 20, 1 << 26)):
        channel = FakeChannel([claiming(*lengths)])
        conversation = Conversation(channel, "the agent on pi")
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError):
                conversation.request(Request("hello"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 300_000
