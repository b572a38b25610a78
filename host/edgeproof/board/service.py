"""A board's services: an agent that systemd keeps running, and what it writes down there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeproof.board.deploy import choose_runtime, current_bundle
from edgeproof.board.link.conversation import Reply, Request
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.inventory import parse_digest
from edgeproof.errors import ProtocolError, UsageError
from edgeproof.wording.printable import printable, printable_line
from edgeproof_agent.serve.cpu_choice import ALL
from edgeproof_agent.sources.grammar import Source, without_credentials
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.store.services.description import USER, ServiceDescription
from edgeproof_agent.wire.fields import FieldError, Fields

START_SECONDS = 150.0
STABLE_SECONDS = 60.0
TRIES = 3
WATCHDOG_SECONDS = 60.0
LOG_MIB = 64
_MAX_SERVICES = 1000
_MAX_OFFSET = 2**60
_ANSWER_SECONDS = 180.0
"""systemd may be waited for on the board: a service that is stopped gets 20 s, a user's manager as long to appear."""


@dataclass(frozen=True)
class ServiceSettings:
    """How a service runs: see `edgeproof_agent.store.services.description`."""

    scope: str = USER
    min_score: float = 0.5
    log_mib: int = LOG_MIB
    threads: int | None = None
    cores: str = ALL
    delegate: str | None = None
    start_seconds: float = START_SECONDS
    stable_seconds: float = STABLE_SECONDS
    tries: int = TRIES
    watchdog_seconds: float = WATCHDOG_SECONDS


@dataclass(frozen=True)
class LogExtent:
    """What of a service's detections is on the board: bytes `first` to `end` of all that it ever wrote."""

    identity: str
    first: int
    end: int


@dataclass(frozen=True)
class Rejected:
    """A bundle that was given up, and why."""

    digest: str
    words: str


@dataclass(frozen=True)
class ServiceStatus:
    app: str
    scope: str
    source: str
    """Without a password."""
    unit: str
    state: Mapping[str, str]
    """systemd's own words: ActiveState, SubState, Result, NRestarts, StatusText, UnitFileState."""
    lingers: bool
    """Whether it starts with the board and outlives a login."""
    current: str | None
    proven: str | None
    """Digests: what the app points at, and the bundle that was healthy last."""
    tries: int
    """How often a bundle on trial has been started."""
    rejected: Rejected | None
    log: LogExtent | None

    @property
    def active(self) -> bool:
        return self.state.get("ActiveState") == "active"

    @property
    def on_trial(self) -> bool:
        return self.current is not None and self.current != self.proven


@dataclass(frozen=True)
class LogPiece:
    """Lines of a service's detections, whole ones."""

    identity: str
    offset: int
    """Behind the one that was asked for where the board has dropped what was there."""
    data: bytes


def install_service(
    board: OpenBoard,
    app: str,
    source: Source,
    capture: CaptureSettings,
    settings: ServiceSettings,
    runtime: str | None = None,
) -> str:
    """Has the board's systemd run the app on a source of the board from now on; returns the unit's name.

    It is started, or started anew; nobody waits for it. Raises `UsageError`, `NoRuntimeError`, `DeploymentError`.
    """
    if not source.may_never_end:
        raise UsageError(
            f"{source.shown} has an end, and a service has none. What it can look at: camera:N, camera:NAME, "
            "picamera:N, rtsp://..., http://..., or watch:FOLDER for pictures that come into a folder of the board."
        )
    current_bundle(board, app)
    chosen = choose_runtime(board, runtime)
    agent = agent_object()
    board.store.send(agent, "the agent")
    description = ServiceDescription(
        app=app,
        agent=agent.digest,
        runtime=chosen.digest,
        runtime_name=chosen.name,
        stream={"source": source.text, "capture": _asked(capture)},
        **asdict(settings),
    )
    reply = _ask(board, f"install the service {app}", do="install", service=description.to_json())
    with board.store.reading():
        return printable(reply.fields.text("unit", max_length=200))


def start_service(board: OpenBoard, app: str) -> None:
    """Starts it, also with the board from now on; nobody waits for it."""
    _ask(board, f"start the service {app}", do="control", app=app, action="start")


def stop_service(board: OpenBoard, app: str) -> None:
    """Ends it, and keeps it from being started with the board."""
    _ask(board, f"stop the service {app}", do="control", app=app, action="stop")


def remove_service(board: OpenBoard, app: str) -> None:
    """Ends it and drops its unit and all that it has written."""
    _ask(board, f"remove the service {app}", do="remove", app=app)


def service_status(board: OpenBoard, app: str | None = None) -> list[ServiceStatus]:
    """Of one service, or of all. Raises `DeploymentError` when there is no such service."""
    named = {} if app is None else {"app": app}
    reply = _ask(board, "tell of its services", do="status", **named)
    with board.store.reading():
        return [_status(item) for item in reply.fields.objects("services", _MAX_SERVICES)]


def service_events(board: OpenBoard, app: str, lines: int) -> tuple[list[Mapping[str, Any]], str | None]:
    """The last events of a service, each with `time`, `event` and `text`; and the end of systemd's journal, where the
    login may read it."""
    reply = _ask(board, f"show the log of {app}", do="logs", app=app, lines=lines)
    with board.store.reading():
        journal = reply.fields.text("journal", max_length=1 << 20) if "journal" in reply.fields else None
        events = [_event(line) for line in reply.payload.splitlines()]
    return events, None if journal is None else printable(journal)


def pull_pieces(board: OpenBoard, app: str, identity: str, offset: int) -> Iterator[LogPiece]:
    """The detections of a service from `offset` on, as far as they are there. Those of another log than that of
    `identity`, because the service was installed anew in the meantime, come from the first on."""
    while True:
        reply = _ask(board, f"send what {app} has found", do="pull", app=app, offset=offset, identity=identity)
        if "identity" not in reply.fields or not reply.payload:
            return
        with board.store.reading():
            found = _identity(reply.fields)
            low = offset if found == identity else 0
            piece = LogPiece(found, reply.fields.integer("offset", low=low, high=_MAX_OFFSET), reply.payload)
        yield piece
        identity = found
        offset = piece.offset + len(piece.data)


def _ask(board: OpenBoard, what: str, **arguments: object) -> Reply:
    return board.store.ask_for(Request("service", arguments), what, _ANSWER_SECONDS)


def _asked(capture: CaptureSettings) -> dict[str, object]:
    return {name: value for name, value in asdict(capture).items() if value is not None}


def _identity(fields: Fields) -> str:
    text = fields.text("identity", max_length=16)
    if len(text) != 16 or not set(text) <= set("0123456789abcdef"):
        raise FieldError(f"{fields.path('identity')} is not the identity of a log")
    return text


def _event(line: bytes) -> Mapping[str, Any]:
    try:
        fields = Fields(json.loads(line))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the board sent an event that is none: {printable_line(repr(line[:80]))}") from error
    return {name: printable_line(fields.text(name, default="", max_length=8192)) for name in ("time", "event", "text")}


def _status(fields: Fields) -> ServiceStatus:
    probation = fields.nested("probation")
    rejected = probation.nested("rejected") if "rejected" in probation else None
    log = fields.nested("log") if "log" in fields else None
    state = fields.nested("state")
    return ServiceStatus(
        app=printable(fields.text("app", max_length=64)),
        scope=printable(fields.text("scope", max_length=16)),
        source=printable_line(without_credentials(fields.text("source", default=""))),
        unit=printable(fields.text("unit", max_length=200)),
        state={printable(name[:64]): printable_line(state.text(name)) for name in fields.mapping("state")},
        lingers=fields.flag("lingers"),
        current=_digest(fields, "current"),
        proven=_digest(probation, "proven"),
        tries=probation.integer("tries"),
        rejected=None
        if rejected is None
        else Rejected(parse_digest(rejected.text("digest")), printable_line(rejected.text("words"))),
        log=None
        if log is None
        else LogExtent(_identity(log), log.integer("first", high=_MAX_OFFSET), log.integer("end", high=_MAX_OFFSET)),
    )


def _digest(fields: Fields, name: str) -> str | None:
    return parse_digest(fields.text(name)) if name in fields else None
