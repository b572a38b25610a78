"""The host's end of a board's store: sends what is missing, verified there, and switches apps."""

import contextlib
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeproof.board.bootstrap import store_service_command, store_service_source
from edgeproof.board.conversation import Client, Conversation, EventHandler, Request
from edgeproof.board.deadline import Deadline
from edgeproof.board.facts import BoardFacts, parse_facts
from edgeproof.board.printable import printable
from edgeproof.board.transport import Transport
from edgeproof.digests import sha256_of_file
from edgeproof.errors import AgentRefusedError, DeploymentError
from edgeproof.progress import Progress, ProgressListener, ProgressUnit, silent
from edgeproof_agent.fields import FieldError, Fields
from edgeproof_agent.store import APP_NAME, Kind, StoredFile

CHUNK_BYTES = 1 << 20
_START_SECONDS = 60.0
_FINISH_SECONDS = 300.0
_MAX_PATH = 4096
_MAX_OBJECTS = 10_000
_WINDOW = 8
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REMEDIES = {
    "disk": "\nFree some space on the board and try again.",
    "busy": "\nWait until it is done, or end it, and try again.",
    "checksum": "\nWhat was damaged has been dropped; try again.",
}


@dataclass(frozen=True)
class StoredRuntime:
    digest: str
    name: str
    version: str
    path: str
    """Its folder on the board."""


@dataclass(frozen=True)
class AppState:
    current: str | None
    previous: str | None


@dataclass(frozen=True)
class Inventory:
    """What the board's store holds, by digest."""

    agents: frozenset[str]
    bundles: frozenset[str]
    runtimes: tuple[StoredRuntime, ...]
    apps: Mapping[str, AppState]


@dataclass(frozen=True)
class SentObject:
    """The outcome of sending an object: how much had to travel."""

    digest: str
    payload_bytes: int
    """0 when the board had it already."""
    total_bytes: int


@dataclass(frozen=True)
class LocalObject:
    """Files on the host that make up an object of the store."""

    kind: Kind
    digest: str
    files: Mapping[StoredFile, Path]

    @property
    def total_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def describe_file(name: str, path: Path) -> StoredFile:
    return StoredFile(name, path.stat().st_size, sha256_of_file(path))


class BoardStore(Client):
    """The store of one board. Opened by `open_store`; close it, or use it as a context."""

    def __init__(self, conversation: Conversation, board: str) -> None:
        super().__init__(conversation)
        self._board = board
        hello = conversation.hello(_START_SECONDS)
        with conversation.reading():
            self.root = hello.text("root", max_length=_MAX_PATH)
            self.facts: BoardFacts = parse_facts(hello.nested("facts"))
            self.inventory = _parse_inventory(hello)

    def refresh(self) -> Inventory:
        """Asks the board anew what it holds."""
        reply = self._conversation.request(Request("inventory"))
        with self._conversation.reading():
            self.inventory = _parse_inventory(reply.fields)
        return self.inventory

    def send(
        self, item: LocalObject, what: str, progress: ProgressListener = silent, extra_bytes: int = 0
    ) -> SentObject:
        """Sends what the board lacks of an object, called `what`, and verifies it there. Raises `DeploymentError`.

        `extra_bytes` is the room that it needs beside its files.
        A runtime stays in `incoming` until it is built and published.
        """
        files = [{"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256} for file in item.files]
        named = {"kind": item.kind.value, "digest": item.digest}
        begin = self._ask(Request("begin", {**named, "files": files, "extra_bytes": extra_bytes}), "store it")
        with self._conversation.reading():
            if begin.flag("present"):
                return SentObject(item.digest, 0, item.total_bytes)
            offsets = begin.nested("offsets")
            starts = {file: offsets.integer(file.name, high=file.size_bytes) for file in item.files}
        sizes: deque[int] = deque()
        sent_bytes, text = 0, f"sending {what}"
        missing_bytes = sum(file.size_bytes - start for file, start in starts.items())
        for outcome in self._conversation.pipeline(_chunks(item, starts, sizes), window=_WINDOW):
            if isinstance(outcome, AgentRefusedError):
                raise self._refused("store it", outcome)
            sent_bytes += sizes.popleft()
            progress(Progress(text, done=sent_bytes, total=missing_bytes, unit=ProgressUnit.BYTES))
        progress(Progress(f"verifying {what} on the board"))
        self._ask(Request("finish", {**named, "files": files}), "verify it", _FINISH_SECONDS)
        return SentObject(item.digest, sent_bytes, item.total_bytes)

    def build_runtime(self, digest: str, name: str, version: str, seconds: float) -> str:
        """Unpacks a sent runtime's wheels; returns its folder on the board. It counts only once it is published."""
        arguments = {"digest": digest, "name": name, "version": version, "timeout_seconds": seconds}
        # Each of its two steps may take `seconds`; a sign of life comes about once a second.
        deadline = Deadline(2 * seconds + _START_SECONDS, f"{self._board} to build the runtime")

        def on_event(*_: object) -> None:
            deadline.remaining_seconds()

        reply = self._ask(Request("build_runtime", arguments), "build the runtime", on_event=on_event)
        with self._conversation.reading():
            return reply.text("path", max_length=_MAX_PATH)

    def publish_runtime(self, digest: str) -> None:
        """Gives a runtime that has been proven its name."""
        self._ask(Request("publish", {"digest": digest}), "publish the runtime", _FINISH_SECONDS)

    def switch(self, app: str, digest: str) -> str | None:
        """Points an app at a bundle that is on the board; returns the digest that it pointed at before."""
        reply = self._ask(Request("switch", {"app": app, "digest": digest}), f"switch {app}")
        with self._conversation.reading():
            return reply.text("before", max_length=64) if "before" in reply else None

    def path(self, kind: Kind, digest: str) -> str:
        """Where an object is on the board."""
        return f"{self.root}/{kind.value}/{digest}"

    def _ask(
        self, request: Request, what: str, seconds: float | None = None, on_event: EventHandler | None = None
    ) -> Fields:
        try:
            return self._conversation.request(request, seconds, on_event).fields
        except AgentRefusedError as error:
            raise self._refused(what, error) from error

    def _refused(self, what: str, error: AgentRefusedError) -> DeploymentError:
        remedy = _REMEDIES.get(error.kind, "")
        return DeploymentError(f"{self._board} could not {what}: {error}{remedy}")


def open_store(transport: Transport, python: str) -> BoardStore:
    """Starts the store service by `python` (a command or path on the board); nothing has to be installed there."""
    who = f"the store service on {transport.name}"
    channel = transport.open(store_service_command(python))
    try:
        # A Python that is too old ends before it has read this: its exit status tells, not the broken pipe.
        with contextlib.suppress(OSError):
            channel.send(store_service_source(), Deadline(_START_SECONDS, f"{who} to start"))
        return BoardStore(Conversation(channel, who), transport.name)
    except BaseException:
        channel.close()
        raise


def _chunks(item: LocalObject, starts: Mapping[StoredFile, int], sizes: deque[int]) -> Iterator[Request]:
    """The missing part of each file as `put` requests; `sizes` gets the payload bytes of each as it is sent."""
    for file, path in item.files.items():
        offset = starts[file]
        with path.open("rb") as source:
            source.seek(offset)
            while data := source.read(CHUNK_BYTES):
                sizes.append(len(data))
                place = {"kind": item.kind.value, "digest": item.digest, "name": file.name, "offset": offset}
                yield Request("put", place, data)
                offset += len(data)


def _parse_inventory(fields: Fields) -> Inventory:
    runtimes = [
        StoredRuntime(
            _digest(item.text("digest")),
            printable(item.text("name", max_length=64)),
            printable(item.text("version", max_length=64)),
            item.text("path", max_length=_MAX_PATH),
        )
        for item in fields.objects("runtimes", _MAX_OBJECTS)
    ]
    apps = {}
    for name in fields.mapping("apps"):
        if not APP_NAME.fullmatch(name):
            raise FieldError(f"{name[:64]!r} is not a name for an app")
        links = fields.nested("apps").nested(name)
        apps[name] = AppState(
            *(_digest(links.text(link)) if link in links else None for link in ("current", "previous"))
        )
    return Inventory(
        agents=frozenset(_digest(item) for item in fields.items("agents", _MAX_OBJECTS)),
        bundles=frozenset(_digest(item) for item in fields.items("bundles", _MAX_OBJECTS)),
        runtimes=tuple(runtimes),
        apps=apps,
    )


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise FieldError("a digest must be 64 hexadecimal digits")
    return value
