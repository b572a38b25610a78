"""Requests and answers over one channel: what a detection session and the store client have in common."""

import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel
from edgeproof.errors import AgentDiedError, AgentRefusedError, BoardPythonError, DeadlineError, ProtocolError
from edgeproof.wording.printable import printable, printable_line
from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.wire.fields import FieldError, Fields
from edgeproof_agent.wire.frames import MAGIC, Frame, FrameError, encode_frame, read_frame

_LAST_WORDS_SECONDS = 5.0
_MORE_WORDS_SECONDS = 0.5
_SHOWN_BYTES = 200
_OLD_PYTHON_STATUS = 5
"""Exit status of the bootstrap on a Python that is too old, which it says, too."""
_OLD_PYTHON_WORDS = "edgeproof: this is Python "
_STRIPPED_PYTHON_STATUS = 7
"""The same on a Python without a module of the standard library."""
_STRIPPED_PYTHON_WORDS = "edgeproof: this Python lacks "
_NOT_FOUND_STATUSES = (126, 127)


@dataclass(frozen=True)
class Request:
    op: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


@dataclass(frozen=True)
class Reply:
    fields: Fields
    payload: bytes


EventHandler = Callable[[str, Reply], "str | None"]
"""Is told the name and content of what comes ahead of an answer; what it returns is sent back as `control`."""


class Conversation:
    """`who` names the far side in errors, e.g. `the agent on pi`. Not for more than one thread.

    Every method may raise `AgentDiedError` (with the exit status and the last words), `DeadlineError` or
    `ProtocolError`; a request that is answered with an error raises `AgentRefusedError`. `received` is what has been
    read already of what the far side says.
    """

    def __init__(self, channel: Channel, who: str, answer_seconds: float = 60.0, received: bytes = b"") -> None:
        self._channel = channel
        self._who = who
        self._answer_seconds = answer_seconds
        self._last_id = 0
        self._beginning = bytearray()
        self._received = received

    def hello(self, seconds: float | None = None) -> Fields:
        """The first exchange: agrees on the protocol version."""
        fields = self.request(Request("hello", {"protocol": PROTOCOL_VERSION}), seconds).fields
        with self.reading():
            if fields.integer("protocol") != PROTOCOL_VERSION:
                raise ProtocolError(f"{self._who} speaks protocol {fields.integer('protocol')}, not {PROTOCOL_VERSION}")
        return fields

    def request(
        self,
        request: Request,
        seconds: float | None = None,
        on_event: EventHandler | None = None,
    ) -> Reply:
        """Sends one request and waits for its answer; `seconds` bounds the silence until something comes."""
        identity = self._send(request, seconds)
        while True:
            frame = self._receive(request.op, seconds)
            reply = self._reply_to(frame, identity)
            with self.reading():
                name = reply.fields.text("event", default="", max_length=64)
            if not name:
                return self._accepted(reply)
            if on_event is None:
                raise ProtocolError(f"{self._who} sent an event nobody asked for: {printable(name)}")
            with self.reading():
                control = on_event(name, reply)
            if control is not None:
                self._send_frame({"id": identity, "control": control}, b"", self._deadline(request.op, seconds))

    def pipeline(
        self,
        requests: Iterable[Request],
        window: int = 4,
        seconds: float | None = None,
        window_bytes: Callable[[], float] = lambda: math.inf,
    ) -> Iterator[Reply | AgentRefusedError]:
        """Sends requests with up to `window` of them, or `window_bytes` of payload as it is at the moment, unanswered;
        yields answers and refusals in the requests' order."""
        waiting: deque[tuple[int, str, int]] = deque()
        waiting_bytes = 0
        for request in requests:
            waiting.append((self._send(request, seconds), request.op, len(request.payload)))
            waiting_bytes += len(request.payload)
            while len(waiting) >= window or (waiting and waiting_bytes > window_bytes()):
                identity, op, payload_bytes = waiting.popleft()
                waiting_bytes -= payload_bytes
                yield self._next_outcome(identity, op, seconds)
        while waiting:
            identity, op, _ = waiting.popleft()
            yield self._next_outcome(identity, op, seconds)

    def reading(self) -> "_Reading":
        """A context in which a field that is missing or wrong becomes a `ProtocolError` that names the far side."""
        return _Reading(self._who)

    def close(self) -> None:
        """Hangs up: every request has been answered, or never will be. The far side ends itself."""
        self._channel.close()

    def _next_outcome(self, identity: int, op: str, seconds: float | None) -> Reply | AgentRefusedError:
        reply = self._reply_to(self._receive(op, seconds), identity)
        try:
            return self._accepted(reply)
        except AgentRefusedError as error:
            return error

    def _send(self, request: Request, seconds: float | None) -> int:
        self._last_id += 1
        header = {"id": self._last_id, "op": request.op, **request.arguments}
        self._send_frame(header, request.payload, self._deadline(request.op, seconds))
        return self._last_id

    def _send_frame(self, header: dict[str, Any], payload: bytes, deadline: Deadline) -> None:
        try:
            self._channel.send(encode_frame(header, payload), deadline)
        except FrameError as error:
            raise ProtocolError(f"cannot send that to {self._who}: {error}") from error
        except OSError as error:
            raise self._died() from error

    def _receive(self, op: str, seconds: float | None) -> Frame:
        deadline = self._deadline(op, seconds)
        try:
            frame = read_frame(lambda count: self._receive_some(count, deadline))
        except FrameError as error:
            raise ProtocolError(
                f"{self._who} does not speak edgeproof's protocol: {self._first_words(error)}{self._last_words()}"
                f"{self._python_remedy()}"
            ) from error
        except OSError as error:
            raise self._died() from error
        if frame is None:
            raise self._died()
        return frame

    def _receive_some(self, count: int, deadline: Deadline) -> bytes:
        data, self._received = self._received[:count], self._received[count:]
        if not data:
            data = self._channel.receive(count, deadline)
        if self._last_id == 1 and len(self._beginning) < _SHOWN_BYTES:
            self._beginning += data[:_SHOWN_BYTES]
        return data

    def _first_words(self, error: FrameError) -> str:
        """What is wrong with a frame; of the very first one, what came in its place."""
        if self._last_id > 1 or self._beginning.startswith(MAGIC):
            return str(error)
        with contextlib.suppress(DeadlineError, OSError):
            deadline = Deadline(_MORE_WORDS_SECONDS, "more of it")
            while len(self._beginning) < _SHOWN_BYTES and (data := self._channel.receive(_SHOWN_BYTES, deadline)):
                self._beginning += data
        text = bytes(self._beginning).partition(MAGIC)[0].decode("utf-8", errors="replace")
        return f"it prints {printable_line(text)!r}"

    def _reply_to(self, frame: Frame, identity: int) -> Reply:
        fields = Fields(frame.header)
        with self.reading():
            answered = fields.integer("id")
            if answered == 0 and "error" in fields:
                raise ProtocolError(f"{self._who} gave up: {printable(fields.nested('error').text('message'))}")
            if answered != identity:
                raise ProtocolError(f"{self._who} answered request {answered} instead of {identity}")
        return Reply(fields, frame.payload)

    def _accepted(self, reply: Reply) -> Reply:
        with self.reading():
            if "error" in reply.fields:
                error = reply.fields.nested("error")
                message = printable(error.text("message"))
                raise AgentRefusedError(f"{self._who}: {message}", error.text("kind", max_length=64))
            if not reply.fields.flag("ok"):
                raise ProtocolError(f"{self._who} answered neither ok nor with an error")
        return reply

    def _deadline(self, op: str, seconds: float | None) -> Deadline:
        return Deadline(self._answer_seconds if seconds is None else seconds, f"{self._who} to answer {op!r}")

    def _died(self) -> AgentDiedError | BoardPythonError:
        try:
            status = self._channel.wait(Deadline(_LAST_WORDS_SECONDS, f"{self._who} to end"))
        except DeadlineError:
            return AgentDiedError(f"{self._who} closed its output but still runs{self._last_words()}")
        too_old = status.code == _OLD_PYTHON_STATUS and _OLD_PYTHON_WORDS in self._channel.error_output.tail()
        if too_old or status.code in _NOT_FOUND_STATUSES:
            return BoardPythonError(
                f"{self._who} cannot start: the board needs Python 3.9 or newer{self._last_words()}\n"
                'Install one (`sudo apt install python3`), or name it in edgeproof.toml: python = "/usr/bin/python3.11"'
            )
        if status.code == _STRIPPED_PYTHON_STATUS and _STRIPPED_PYTHON_WORDS in self._channel.error_output.tail():
            return BoardPythonError(
                f"{self._who} cannot start: the board's Python is a stripped one{self._last_words()}\n"
                "Install the rest of its standard library. Debian: sudo apt install python3-full; OpenWrt: opkg "
                "install python3; Yocto: add python3-modules to IMAGE_INSTALL"
            )
        remedy = "" if status.is_signal else self._python_remedy()
        return AgentDiedError(f"{self._who} died: {status}{self._last_words()}{remedy}")

    def _last_words(self) -> str:
        tail = self._channel.error_output.tail()
        return f"\nIts last words:\n{tail}" if tail else ""

    def _python_remedy(self) -> str:
        """What may be wrong where the far side has never answered, though a command of ours runs there."""
        if self._last_id > 1:
            return ""
        return (
            "\nWhat `python` in edgeproof.toml names may be no Python, or a wrapper that prints or ends. Name the "
            'interpreter itself: python = "/usr/bin/python3". Or a sitecustomize or .pth file of that Python prints'
        )


_Client = TypeVar("_Client", bound="Client")


class Client:
    """Base of what talks to a service of the agent. Close it, or use it as a context."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.closed = False

    def close(self) -> None:
        """Hangs up."""
        self.closed = True
        self._conversation.close()

    def reading(self) -> "_Reading":
        """See `Conversation.reading`."""
        return self._conversation.reading()

    def __enter__(self: _Client) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Reading:
    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FieldError):
            raise ProtocolError(
                f"{self._who} answered something else than was asked: {printable(str(error))}"
            ) from error
