"""Answers requests one after the other: what the detection agent and the store service have in common."""

from collections.abc import Mapping
from typing import Any, Callable

from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.wire.fields import FieldError, Fields
from edgeproof_agent.wire.frames import Frame, FrameError
from edgeproof_agent.wire.link import Link

MAX_MESSAGE_CHARACTERS = 4000


class RequestError(Exception):
    """A request that cannot be answered. `kind` is a fixed word for programs, the message is for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Exchange:
    """One request being answered: its fields, its payload, and the way back for events."""

    def __init__(self, link: Link, request_id: int, frame: Frame) -> None:
        self._link = link
        self._id = request_id
        self.fields = Fields(frame.header)
        self.payload = frame.payload

    def send_event(self, name: str, body: dict[str, Any], payload: bytes = b"") -> None:
        """Sends something ahead of the answer."""
        self._link.send({"id": self._id, "event": name, **body}, payload)

    def send_error(self, kind: str, message: str) -> None:
        """Answers with an error from outside of the operation, which must not answer any more."""
        _send_error(self._link, self._id, kind, message)

    def receive_control(self) -> str:
        """Waits for the host's next word on this request: `more` (an event was taken) or `stop`."""
        frame = self._link.receive()
        if frame is None:
            raise FrameError("the stream ended while an answer was under way")
        fields = Fields(frame.header)
        if fields.integer("id") != self._id:
            raise RequestError("busy", "another request is being answered; send `stop` for it first")
        return fields.choice("control", ["more", "stop"])


Reply = tuple[dict[str, Any], bytes]
Operation = Callable[[Exchange], Reply]


def serve(link: Link, operations: Mapping[str, Operation]) -> int:
    """Answers until the host hangs up (exit status 0) or the stream breaks (exit status 3)."""
    while True:
        try:
            frame = link.receive()
        except FrameError as error:
            _send_error(link, 0, "protocol", f"not a frame: {error}")
            return 3
        if frame is None:
            return 0
        try:
            request_id = Fields(frame.header).integer("id")
        except FieldError as error:
            _send_error(link, 0, "protocol", str(error))
            continue
        if "control" in frame.header and "op" not in frame.header:
            continue  # the host's word on a request that has been answered in the meantime
        _answer(link, Exchange(link, request_id, frame), request_id, operations)


def check_protocol(exchange: Exchange) -> None:
    """The first exchange: both ends must speak the same version."""
    version = exchange.fields.integer("protocol")
    if version != PROTOCOL_VERSION:
        raise RequestError("protocol", f"the host speaks protocol {version}, this agent {PROTOCOL_VERSION}")


def _answer(link: Link, exchange: Exchange, request_id: int, operations: Mapping[str, Operation]) -> None:
    try:
        name = exchange.fields.text("op", max_length=64)
        operation = operations.get(name)
        if operation is None:
            raise RequestError("request", f"unknown operation {name!r}")
        body, payload = operation(exchange)
        link.send({"id": request_id, "ok": True, **body}, payload)
    except RequestError as error:
        _send_error(link, request_id, error.kind, str(error))
    except FieldError as error:
        _send_error(link, request_id, "request", str(error))
    except MemoryError:
        _send_error(link, request_id, "memory", "the board ran out of memory")
    except FrameError as error:
        _send_error(link, request_id, "protocol", str(error))
    except Exception as error:  # noqa: BLE001  # OpenCV's errors and those of a runtime have no other base
        import traceback  # its import takes longer than all that a service usually does before its first answer

        traceback.print_exc()
        _send_error(link, request_id, "internal", f"{type(error).__name__}: {error}")


def _send_error(link: Link, request_id: int, kind: str, message: str) -> None:
    error = {"kind": kind, "message": message[:MAX_MESSAGE_CHARACTERS]}
    link.send({"id": request_id, "error": error})
