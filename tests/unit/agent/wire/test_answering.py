"""The loop that answers requests: one answer a request, an error in place of a death, and an end when the host ends."""

import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.wire.answering import (
    MAX_MESSAGE_CHARACTERS,
    Exchange,
    Operation,
    Reply,
    RequestError,
    check_protocol,
    serve,
)
from edgeproof_agent.wire.frames import MAX_PAYLOAD_BYTES, Frame, encode_frame
from edgeproof_agent.wire.link import Link


class Peer:
    """The host's end of a service that runs in a thread, behind two pipes."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._theirs_in, self._ours_out = os.pipe()
        self._ours_in, self._theirs_out = os.pipe()
        self.link = Link(self._ours_in, self._ours_out)
        self.status: int | None = None
        self.death: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, args=(operations,), daemon=True)
        self._thread.start()

    def ask(self, header: dict[str, Any], payload: bytes = b"") -> Frame | None:
        self.link.send(header, payload)
        return self.link.receive()

    def send_bytes(self, data: bytes) -> None:
        os.write(self._ours_out, data)

    def end_requests(self) -> None:
        os.close(self._ours_out)
        self._ours_out = -1

    def stop_reading(self) -> None:
        os.close(self._ours_in)
        self._ours_in = -1

    def end(self) -> int | None:
        """Hangs up, and waits for the service's exit status."""
        for descriptor in (self._ours_out, self._ours_in):
            if descriptor >= 0:
                os.close(descriptor)
        self._ours_out = self._ours_in = -1
        self._thread.join(20)
        assert not self._thread.is_alive(), "the service hangs"
        return self.status

    def _serve(self, operations: Mapping[str, Operation]) -> None:
        try:
            self.status = serve(Link(self._theirs_in, self._theirs_out), operations)
        except OSError as error:
            self.death = error
        finally:
            os.close(self._theirs_in)
            os.close(self._theirs_out)


def echo(exchange: Exchange) -> Reply:
    return {"text": exchange.fields.text("text")}, exchange.payload[::-1]


def count(exchange: Exchange) -> Reply:
    """Sends events until the host has enough."""
    sent = 0
    while True:
        exchange.send_event("number", {"value": sent}, bytes([sent]))
        sent += 1
        if exchange.receive_control() == "stop":
            return {"sent": sent}, b""


def failing(error: Exception) -> Operation:
    def operation(exchange: Exchange) -> Reply:
        raise error

    return operation


class StrangeError(Exception):
    """A library's error that shares no base with Python's own."""


def hello(exchange: Exchange) -> Reply:
    check_protocol(exchange)
    return {}, b""


OPERATIONS: dict[str, Operation] = {
    "echo": echo,
    "count": count,
    "hello": hello,
    "refuse": failing(RequestError("picture", "it is broken")),
    "huge": lambda _: ({}, bytes(MAX_PAYLOAD_BYTES + 1)),
    "nan": lambda _: ({"value": float("nan")}, b""),
}


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer(OPERATIONS)
    yield peer
    peer.end()


def error_of(frame: Frame | None) -> tuple[int, str, str]:
    assert frame is not None
    assert "ok" not in frame.header
    return frame.header["id"], frame.header["error"]["kind"], frame.header["error"]["message"]


def test_a_request_is_answered_with_its_id_and_payload(peer: Peer) -> None:
    answer = peer.ask({"id": 5, "op": "echo", "text": "hello"}, b"abc")
    assert answer == Frame({"id": 5, "ok": True, "text": "hello"}, b"cba")


def test_requests_that_wait_are_answered_in_their_order(peer: Peer) -> None:
    for request_id in (3, 1, 2):
        peer.link.send({"id": request_id, "op": "echo", "text": ""})
    answers = [peer.link.receive() for _ in range(3)]
    assert [answer.header["id"] for answer in answers if answer] == [3, 1, 2]


def test_an_unknown_operation_is_refused_and_the_next_request_is_answered(peer: Peer) -> None:
    assert error_of(peer.ask({"id": 1, "op": "reboot"})) == (1, "request", "unknown operation 'reboot'")
    assert peer.ask({"id": 2, "op": "echo", "text": "on"}) == Frame({"id": 2, "ok": True, "text": "on"})


@pytest.mark.parametrize("op", [None, 7, ["echo"], {"echo": 1}, "x" * 65])
def test_an_operation_that_is_no_name_is_refused(peer: Peer, op: object) -> None:
    request_id, kind, message = error_of(peer.ask({"id": 1, "op": op}))
    assert (request_id, kind) == (1, "request")
    assert message.startswith("op ")


@pytest.mark.parametrize("request_id", [None, "1", 1.0, True, -1, [1], 2**53 + 1])
def test_an_id_that_is_no_id_is_a_protocol_error_with_id_0(peer: Peer, request_id: object) -> None:
    answered, kind, message = error_of(peer.ask({"id": request_id, "op": "echo", "text": ""}))
    assert (answered, kind) == (0, "protocol")
    assert message.startswith("id ")
    assert peer.ask({"id": 2, "op": "echo", "text": "on"}) == Frame({"id": 2, "ok": True, "text": "on"})


def test_a_wrong_field_is_refused_by_its_name(peer: Peer) -> None:
    assert error_of(peer.ask({"id": 1, "op": "echo", "text": 3})) == (1, "request", "text must be a string, got a int")


def test_a_refusal_carries_its_kind(peer: Peer) -> None:
    assert error_of(peer.ask({"id": 1, "op": "refuse"})) == (1, "picture", "it is broken")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("no"), "internal", "ValueError: no"),
        (AttributeError("no"), "internal", "AttributeError: no"),
        (RecursionError("deep"), "internal", "RecursionError: deep"),
        (PermissionError(13, "Permission denied"), "internal", "PermissionError: [Errno 13] Permission denied"),
        (StrangeError("cv2"), "internal", "StrangeError: cv2"),
        (MemoryError(), "memory", "the board ran out of memory"),
    ],
)
def test_an_operation_that_fails_is_an_error_and_not_a_death(error: Exception, kind: str, message: str) -> None:
    peer = Peer({**OPERATIONS, "fail": failing(error)})
    assert error_of(peer.ask({"id": 1, "op": "fail"})) == (1, kind, message)
    assert peer.ask({"id": 2, "op": "echo", "text": "on"}) == Frame({"id": 2, "ok": True, "text": "on"})
    peer.end()


@pytest.mark.parametrize("op", ["huge", "nan"])
def test_an_answer_that_cannot_be_sent_is_an_error(peer: Peer, op: str) -> None:
    assert error_of(peer.ask({"id": 1, "op": op}))[0] == 1
    assert peer.ask({"id": 2, "op": "echo", "text": "on"}) == Frame({"id": 2, "ok": True, "text": "on"})


def test_a_long_error_is_cut() -> None:
    peer = Peer({"fail": failing(RequestError("request", "x" * 1_000_000))})
    assert len(error_of(peer.ask({"id": 1, "op": "fail"}))[2]) == MAX_MESSAGE_CHARACTERS
    peer.end()


def test_events_come_ahead_of_the_answer_until_the_host_says_stop(peer: Peer) -> None:
    first = peer.ask({"id": 9, "op": "count"})
    second = peer.ask({"id": 9, "control": "more"})
    answer = peer.ask({"id": 9, "control": "stop"})
    assert first == Frame({"id": 9, "event": "number", "value": 0}, b"\0")
    assert second == Frame({"id": 9, "event": "number", "value": 1}, b"\1")
    assert answer == Frame({"id": 9, "ok": True, "sent": 2})


def test_a_request_while_events_are_under_way_is_refused(peer: Peer) -> None:
    peer.ask({"id": 1, "op": "count"})
    assert error_of(peer.ask({"id": 2, "op": "echo", "text": ""}))[:2] == (1, "busy")


@pytest.mark.parametrize("control", [None, "less", 1])
def test_a_control_that_is_none_ends_the_request_with_an_error(peer: Peer, control: object) -> None:
    peer.ask({"id": 1, "op": "count"})
    assert error_of(peer.ask({"id": 1, "control": control}))[:2] == (1, "request")


def test_a_control_that_comes_late_is_not_answered(peer: Peer) -> None:
    peer.ask({"id": 1, "op": "count"})
    assert peer.ask({"id": 1, "control": "stop"}) == Frame({"id": 1, "ok": True, "sent": 1})
    peer.link.send({"id": 1, "control": "more"})
    assert peer.ask({"id": 2, "op": "echo", "text": "on"}) == Frame({"id": 2, "ok": True, "text": "on"})


def test_the_end_of_the_stream_between_frames_is_a_good_end(peer: Peer) -> None:
    peer.ask({"id": 4, "op": "echo", "text": "on"})
    peer.end_requests()
    assert peer.link.receive() is None
    assert peer.end() == 0


def test_a_stream_that_ends_under_an_answer_ends_the_service(peer: Peer) -> None:
    peer.ask({"id": 1, "op": "count"})
    peer.end_requests()
    assert error_of(peer.link.receive())[:2] == (1, "protocol")
    assert peer.link.receive() is None
    assert peer.end() == 0


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/1.1\r\n\r\n", b"EPR1" + b"\xff" * 8, encode_frame({"id": 1}) + b"junk" * 9]
)
def test_what_is_no_frame_is_told_and_ends_the_service(peer: Peer, junk: bytes) -> None:
    peer.send_bytes(junk)
    peer.end_requests()
    frames = list(iter(peer.link.receive, None))
    request_id, kind, message = error_of(frames[-1])
    assert (request_id, kind) == (0, "protocol")
    assert message.startswith("not a frame")
    assert peer.end() == 3


def test_a_host_that_no_longer_reads_ends_the_service(peer: Peer) -> None:
    peer.stop_reading()
    peer.link.send({"id": 1, "op": "echo", "text": ""})
    peer.end()
    assert isinstance(peer.death, BrokenPipeError)


def test_both_ends_must_speak_one_protocol_version(peer: Peer) -> None:
    assert peer.ask({"id": 1, "op": "hello", "protocol": PROTOCOL_VERSION}) == Frame({"id": 1, "ok": True})
    _, kind, message = error_of(peer.ask({"id": 2, "op": "hello", "protocol": PROTOCOL_VERSION + 1}))
    assert kind == "protocol"
    assert message == f"the host speaks protocol {PROTOCOL_VERSION + 1}, this agent {PROTOCOL_VERSION}"
