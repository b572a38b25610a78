"""A host that means harm, or is broken, gets errors from the agent: no hang, no memory, no file outside the store."""

import hashlib
import os
import subprocess
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.detection.detector import Detector
from edgeproof_agent.detection.interpreters import Runtime
from edgeproof_agent.serve.host_operations import DetectionOperations
from edgeproof_agent.store.chunks import CHUNK_BYTES
from edgeproof_agent.store.objects import Store
from edgeproof_agent.store.operations import StoreOperations
from edgeproof_agent.wire.answering import Operation, serve
from edgeproof_agent.wire.frames import Frame, FrameError, read_frame
from edgeproof_agent.wire.link import Link
from tests.support.example_manifest import MANIFEST
from tests.support.hostile import (
    BAD_HEADERS,
    DIGEST,
    JSON,
    MUTATIONS,
    NASTY_TEXTS,
    NOT_FRAMES,
    PAYLOADS,
    claiming,
    framed,
    mutated,
    raw_frame,
)

_HANG_SECONDS = 60.0


class Talk:
    """All that a host says in one go, and all that the service answers."""

    def __init__(self, operations: dict[str, Operation], said: bytes) -> None:
        requests_in, requests_out = os.pipe()
        answers_in, answers_out = os.pipe()
        answers: list[bytes] = []
        writer = threading.Thread(target=_write, args=(requests_out, said), daemon=True)
        reader = threading.Thread(target=_read, args=(answers_in, answers), daemon=True)
        ended = threading.Event()

        def run() -> None:
            self.status = serve(Link(requests_in, answers_out), operations)
            ended.set()

        service = threading.Thread(target=run, daemon=True)
        for thread in (writer, reader, service):
            thread.start()
        service.join(_HANG_SECONDS)
        assert not service.is_alive(), "the service hangs"
        assert ended.is_set(), "the service died of an exception"
        os.close(requests_in)
        os.close(answers_out)
        writer.join(_HANG_SECONDS)
        reader.join(_HANG_SECONDS)
        stream = memoryview(b"".join(answers))
        self.frames: list[Frame] = []
        while stream:
            frame, stream = _first_frame(stream)
            self.frames.append(frame)

    def check(self) -> None:
        """Each answer is a good one or an error in words; a talk that ends within a frame ends with status 3."""
        assert self.status in (0, 3)
        for frame in self.frames:
            assert type(frame.header["id"]) is int
            if "error" in frame.header:
                assert set(frame.header["error"]) == {"kind", "message"}
                assert len(frame.header["error"]["message"]) <= 4000
            else:
                assert frame.header.get("ok") is True or "event" in frame.header


def _write(descriptor: int, data: bytes) -> None:
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        pass
    finally:
        os.close(descriptor)


def _read(descriptor: int, parts: list[bytes]) -> None:
    while part := os.read(descriptor, 65536):
        parts.append(part)
    os.close(descriptor)


def _first_frame(stream: memoryview) -> tuple[Frame, memoryview]:
    rest = stream

    def read(count: int) -> bytes:
        nonlocal rest
        part, rest = bytes(rest[:count]), rest[count:]
        return part

    frame = read_frame(read)
    assert frame is not None
    return frame, rest


@pytest.fixture(autouse=True)
def _nothing_slow_or_global(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is started, no lock waited for, and not every disk of the machine synced, hundreds of times."""

    def no_program(*_: object, **__: object) -> None:
        raise AssertionError("a hostile host started a program")

    monkeypatch.setattr(subprocess, "Popen", no_program)
    monkeypatch.setattr(os, "sync", lambda: None)


def outside_of(store: Path) -> set[Path]:
    return {path for path in store.parent.rglob("*") if store not in (path, *path.parents)}


def check_store(tmp_path: Path, said: bytes) -> Talk:
    """The talk, after which nothing is but in the store."""
    store = tmp_path / "home" / ".edgeproof"
    store.parent.mkdir(exist_ok=True)
    here = Path.cwd()
    os.chdir(store.parent)
    try:
        talk = Talk(StoreOperations(Store(store)).table(), said)
    finally:
        os.chdir(here)
    talk.check()
    assert outside_of(store) == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    return talk


CONTENT = b"content"
FILES = [{"name": "a", "size_bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}]
GOOD_REQUESTS: list[tuple[dict[str, Any], bytes]] = [
    ({"op": "hello", "protocol": PROTOCOL_VERSION}, b""),
    ({"op": "inventory"}, b""),
    ({"op": "begin", "kind": "media", "digest": DIGEST, "files": FILES, "extra_bytes": 0, "wait_seconds": 0}, b""),
    ({"op": "put", "kind": "media", "digest": DIGEST, "name": "a", "offset": 0}, CONTENT),
    ({"op": "finish", "kind": "media", "digest": DIGEST, "files": FILES}, b""),
    ({"op": "build_runtime", "digest": DIGEST, "timeout_seconds": 1, "name": "n", "version": "v"}, b""),
    ({"op": "publish", "digest": DIGEST}, b""),
    ({"op": "switch", "app": "app", "digest": DIGEST, "wait_seconds": 0}, b""),
    ({"op": "ping"}, b""),
    ({"op": "status"}, b""),
    (
        {
            "op": "begin",
            "kind": "bundles",
            "digest": DIGEST,
            "files": FILES,
            "chunks": [{"name": "a", "count": 1}],
            "wait_seconds": 0,
        },
        bytes(CHUNK_BYTES),
    ),
    (
        {"op": "put", "kind": "bundles", "digest": DIGEST, "name": "a", "offset": 0, "packed_from": len(CONTENT)},
        zlib.compress(CONTENT),
    ),
    ({"op": "finish", "kind": "bundles", "digest": DIGEST, "signature": "none"}, b""),
    ({"op": "prune", "wanted": {"bundles": [], "media": [DIGEST]}, "dry_run": True, "wait_seconds": 0}, b""),
    ({"op": "prune", "wanted": {"bundles": [], "media": []}, "dry_run": False, "wait_seconds": 0}, b""),
    ({"op": "require_signatures", "keys": ["ssh-ed25519 " + "A" * 68], "wait_seconds": 0}, b""),
]

NAMES = NASTY_TEXTS | st.sampled_from(["a", "a/b", "bundle.json", "wheels/pip-1.whl", "venv/bin/python"])
LISTED = st.lists(
    st.fixed_dictionaries({"name": NAMES, "size_bytes": st.sampled_from([0, 7, 2**40]) | JSON, "sha256": JSON}) | JSON,
    max_size=4,
)
KINDS = st.sampled_from(["agents", "runtimes", "bundles", "media"])
FIELD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "kind": KINDS | JSON,
    "digest": st.sampled_from([DIGEST, "b" * 64, "../" + "a" * 61]) | JSON,
    "files": LISTED | JSON,
    "name": NAMES | JSON,
    "app": st.sampled_from(["app", "../app", "."]) | JSON,
    "offset": st.sampled_from([0, 7, 2**32]) | JSON,
    "chunks": st.lists(st.fixed_dictionaries({"name": NAMES, "count": st.integers(-1, 2**40)}), max_size=3) | JSON,
    "packed_from": st.sampled_from([0, 6, 2**22, 2**40]) | JSON,
    "wanted": st.dictionaries(KINDS, LISTED | JSON) | JSON,
}


@st.composite
def wrong_requests(draw: st.DrawFn, requests: list[tuple[dict[str, Any], bytes]]) -> bytes:
    """A good request but for some of its fields and its payload."""
    header, payload = draw(st.sampled_from(requests))
    header = {"id": draw(st.integers(0, 99)), **header}
    for name in draw(st.lists(st.sampled_from(sorted(header)), max_size=3)):
        # Nobody else holds the lock in these tests, so a long wait is none.
        header[name] = draw(FIELD_VALUES.get(name, JSON))
    if draw(st.booleans()):
        payload = draw(PAYLOADS)
    return framed(header, payload)


_GOOD_FRAMES = [framed({"id": number, **header}, payload) for number, (header, payload) in enumerate(GOOD_REQUESTS)]
GOOD_TALK = b"".join(_GOOD_FRAMES)
ENDS = {len(b"".join(_GOOD_FRAMES[:count])) for count in range(len(_GOOD_FRAMES) + 1)}
"""Where a talk may end without a frame being cut."""


def test_a_good_talk_is_answered_to_its_end(tmp_path: Path) -> None:
    talk = check_store(tmp_path, GOOD_TALK)
    assert talk.status == 0
    assert [frame.header["id"] for frame in talk.frames] == [*range(len(GOOD_REQUESTS))]
    assert [frame.header.get("ok", False) for frame in talk.frames[:4]] == [True] * 4


@settings(max_examples=150)
@given(requests=st.lists(wrong_requests(GOOD_REQUESTS), min_size=1, max_size=6))
def test_wrong_types_and_names_in_every_field_get_answers_and_stay_in_the_store(
    tmp_path_factory: pytest.TempPathFactory, requests: list[bytes]
) -> None:
    talk = check_store(tmp_path_factory.mktemp("board"), b"".join(requests))
    assert talk.frames, "every request is answered"


@settings(max_examples=150)
@given(mutations=st.lists(MUTATIONS, min_size=1, max_size=3))
def test_a_talk_with_other_bytes_in_it_gets_answers(
    tmp_path_factory: pytest.TempPathFactory, mutations: list[tuple[int, bytes, bool]]
) -> None:
    said = GOOD_TALK
    for mutation in mutations:
        said = mutated(said, *mutation)
    check_store(tmp_path_factory.mktemp("board"), said)


@pytest.mark.parametrize("length", range(3, len(GOOD_TALK) - 1, 17))
def test_a_talk_that_is_cut_anywhere_ends(tmp_path: Path, length: int) -> None:
    assert check_store(tmp_path, GOOD_TALK[:length]).status == (0 if length in ENDS else 3)


@settings(max_examples=200)
@given(junk=NOT_FRAMES)
def test_what_is_no_frame_ends_the_service_with_an_error_or_a_word(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    talk = check_store(tmp_path_factory.mktemp("board"), framed({"id": 1, "op": "inventory"}) + junk)
    assert talk.status == 3 or "error" in talk.frames[-1].header
    assert talk.frames[0].header["ok"] is True
    assert len(talk.frames) <= 2


@given(text=BAD_HEADERS)
def test_a_header_that_is_no_request_is_an_error(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    talk = check_store(tmp_path_factory.mktemp("board"), raw_frame(text))
    assert "error" in talk.frames[0].header


def test_a_claim_of_gigabytes_allocates_nothing() -> None:
    for said in (claiming(2**32 - 1, 2**32 - 1), claiming(2, 2**32 - 1), claiming(1 << 20, 1 << 26)):
        rest = memoryview(said)

        def read(count: int) -> bytes:
            nonlocal rest
            part, rest = bytes(rest[:count]), rest[count:]
            return part

        tracemalloc.start()
        try:
            with pytest.raises(FrameError):
                read_frame(read)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 200_000


def test_bytes_that_come_one_by_one_take_no_more_memory_than_those_that_come_at_once() -> None:
    payload_bytes = 400_000
    rest = memoryview(claiming(2, payload_bytes) + b"{}" + bytes(payload_bytes))

    def read(_: int) -> bytes:
        nonlocal rest
        # Two at a time: Python keeps every single byte as one shared object.
        part, rest = bytes(rest[:2]), rest[2:]
        return part

    tracemalloc.start()
    try:
        frame = read_frame(read)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert frame == Frame({}, bytes(payload_bytes))
    assert peak < 3 * payload_bytes


DETECTION_REQUESTS: list[tuple[dict[str, Any], bytes]] = [
    ({"op": "hello", "protocol": PROTOCOL_VERSION}, b""),
    ({"op": "prove"}, b"model"),
    ({"op": "load", "bundle": "nowhere", "threads": 1}, b""),
    ({"op": "prepare"}, b"picture"),
    ({"op": "detect"}, b"picture"),
    ({"op": "bench", "runs": 1, "warmup_runs": 0, "max_seconds": 1.0}, b"picture"),
    (
        {
            "op": "profile",
            "runs": 1,
            "warmup_runs": 0,
            "max_seconds": 1.0,
            "arrays": [{"name": name, "dtype": "uint8", "shape": [2]} for name in ("picture", "proof")],
        },
        b"\x89P##",
    ),
    ({"op": "stream", "source": "nowhere.mp4", "frames": 1, "window": 1, "jpeg_every": 0}, b""),
    ({"op": "state"}, b""),
]


class NoInterpreter:
    """The module of a runtime that takes no model."""

    @staticmethod
    def Interpreter(**_: object) -> None:  # noqa: N802
        raise ValueError("Model provided has model identifier 'xxxx', should be 'TFL3'")


def detection() -> dict[str, Operation]:
    return DetectionOperations(Runtime("tflite-runtime", "0", NoInterpreter)).table()


@settings(max_examples=150)
@given(requests=st.lists(wrong_requests(DETECTION_REQUESTS), min_size=1, max_size=6))
def test_the_detection_agent_answers_wrong_requests_with_errors(requests: list[bytes]) -> None:
    talk = Talk(detection(), b"".join(requests))
    talk.check()
    assert talk.frames


@pytest.mark.parametrize("request_", DETECTION_REQUESTS[4:7], ids=lambda request: request[0]["op"])
def test_nothing_runs_before_a_bundle_is_loaded(request_: tuple[dict[str, Any], bytes]) -> None:
    header, payload = request_
    talk = Talk(detection(), framed({"id": 1, **header}, payload))
    assert talk.frames[0].header["error"] == {
        "kind": "request",
        "message": "no bundle is loaded; send `load` first",
    }


class BlackBox:
    """An interpreter that finds nothing, whatever it is shown."""

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"index": 0}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"index": index} for index in range(4)]

    def tensor(self, index: int) -> Callable[[], np.ndarray]:
        contract = MANIFEST.input
        return lambda: np.empty((1, contract.height, contract.width, 3), contract.dtype.value)

    def invoke(self) -> None:
        pass

    def get_tensor(self, index: int) -> np.ndarray:
        return [np.zeros((1, 3, 4), np.float32), *[np.zeros((1, 3), np.float32)] * 2, np.array([2.0], np.float32)][
            index
        ]


def loaded_detection() -> dict[str, Operation]:
    operations = DetectionOperations(Runtime("tflite-runtime", "0", NoInterpreter))
    operations._detector = Detector(MANIFEST, BlackBox(), threads=1, load_ns=0)
    return operations.table()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 32))
    for shade in range(6):
        writer.write(np.full((32, 32, 3), shade * 40, np.uint8))
    writer.release()
    return path


CONTROLS = st.fixed_dictionaries(
    {"id": st.sampled_from([1, 1, 1, 1, 2]) | JSON, "control": st.sampled_from(["more", "more", "more", "stop"]) | JSON}
)


@settings(max_examples=60)
@given(controls=st.lists(CONTROLS.map(framed) | NOT_FRAMES, max_size=8), window=st.integers(1, 4))
def test_a_stream_ends_whatever_the_host_says_to_its_events(video: Path, controls: list[bytes], window: int) -> None:
    request = {"id": 1, "op": "stream", "source": str(video), "frames": 6, "window": window, "jpeg_every": 2}
    talk = Talk(loaded_detection(), framed(request) + b"".join(controls))
    talk.check()
    events = [frame for frame in talk.frames if frame.header.get("event") == "frame"]
    assert [frame.header["index"] for frame in events] == list(range(len(events)))
    assert len(events) <= window + len(controls), "an event that the host has not taken fills the window"


def test_a_bench_of_a_picture_and_a_stream_end_well_when_the_host_does_as_it_should(video: Path) -> None:
    picture = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    said = framed({"id": 1, "op": "bench", "runs": 3, "warmup_runs": 1}, picture)
    said += framed({"id": 2, "op": "stream", "source": str(video), "frames": 6, "window": 2})
    said += framed({"id": 2, "control": "more"}) * 6
    talk = Talk(loaded_detection(), said)
    assert talk.status == 0
    assert [frame.header.get("event") for frame in talk.frames] == ["block", None, "source", *["frame"] * 6, None]
    assert all(frame.header["ok"] for frame in talk.frames if "event" not in frame.header)
