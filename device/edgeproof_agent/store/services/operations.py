"""What the store service answers about services: install, control, status, pull, logs, remove."""

import shutil
from typing import Any, Optional

from edgeproof_agent.store.apps import linked_digest
from edgeproof_agent.store.objects import Kind, Store, StoreError
from edgeproof_agent.store.services.description import (
    USER,
    ServiceDescription,
    read_description,
    service_folder,
    service_names,
    write_description,
)
from edgeproof_agent.store.services.line_log import extent, read_lines
from edgeproof_agent.store.services.places import DETECTIONS, EVENTS, PROBATION
from edgeproof_agent.store.services.probation import read_probation
from edgeproof_agent.store.services.systemd import Systemd
from edgeproof_agent.store.services.units import service_command, unit_name, unit_text
from edgeproof_agent.wire.answering import Exchange, Reply
from edgeproof_agent.wire.fields import Fields

MAX_PULL_BYTES = 1 << 22
_ACTIONS = ("start", "stop")
_MAX_LINES = 1000
_EVENT_BYTES = 1 << 18


def install(store: Store, exchange: Exchange) -> Reply:
    """Writes what is to run and the unit that keeps it, and starts it anew. Nobody waits for it to become active."""
    description = ServiceDescription.read(exchange.fields.nested("service"))
    if linked_digest(store, description.app) is None:
        raise StoreError("request", f"there is no app {description.app} on this board")
    for kind, digest in ((Kind.AGENT, description.agent), (Kind.RUNTIME, description.runtime)):
        if not store.has(kind, digest):
            raise StoreError("missing", f"{kind.value}/{digest[:12]} is not on this board")
    systemd, unit = Systemd(description.scope), unit_name(description.app)
    systemd.require(service_command(store, description))
    systemd.require_lasting()
    before = _installed(store, description.app)
    if before is not None and before.scope != description.scope:
        _take_away(Systemd(before.scope), unit)
    write_description(store, description)
    systemd.write_unit(unit, unit_text(store, description, systemd.user))
    systemd.control("enable", unit)
    systemd.control("--no-block", "restart", unit)
    return {"unit": unit}, b""


def control(store: Store, fields: Fields) -> Reply:
    """`start` starts it and lets it be started at boot from now on; `stop` does the contrary."""
    description = read_description(store, fields.text("app", max_length=64))
    action = fields.choice("action", _ACTIONS)
    systemd, unit = Systemd(description.scope), unit_name(description.app)
    systemd.require(service_command(store, description))
    if action == "start":
        systemd.require_lasting()
        systemd.control("enable", unit)
        systemd.control("--no-block", "start", unit)
    else:
        systemd.control("disable", "--now", unit)
    return {"unit": unit}, b""


def status(store: Store, fields: Fields) -> Reply:
    """Of the named app's service, or of all."""
    names = [fields.text("app", max_length=64)] if "app" in fields else service_names(store)
    return {"services": [_status(store, read_description(store, name)) for name in names]}, b""


def pull(store: Store, fields: Fields) -> Reply:
    """Lines of the log of detections from an offset on, as payload; of another log than `identity` from the first."""
    description = read_description(store, fields.text("app", max_length=64))
    piece = read_lines(
        service_folder(store, description.app) / DETECTIONS,
        fields.integer("offset"),
        MAX_PULL_BYTES,
        fields.text("identity", default="", max_length=64),
    )
    if piece is None:
        return {"identity": None}, b""
    return {"identity": piece.identity, "offset": piece.offset}, piece.data


def logs(store: Store, fields: Fields) -> Reply:
    """The service's own last events, and the journal's last lines where this login may read them."""
    description = read_description(store, fields.text("app", max_length=64))
    lines = fields.integer("lines", low=1, high=_MAX_LINES)
    folder = service_folder(store, description.app) / EVENTS
    there = extent(folder)
    events: list[bytes] = []
    offset = 0 if there is None else max(there.first, there.end - _EVENT_BYTES)
    while there is not None:
        piece = read_lines(folder, offset, _EVENT_BYTES)
        if piece is None or not piece.data:
            break
        events += piece.data.splitlines(keepends=True)
        offset = piece.offset + len(piece.data)
    journal = Systemd(description.scope).journal(unit_name(description.app), lines)
    return {"journal": journal}, b"".join(events[-lines:])


def remove(store: Store, fields: Fields) -> Reply:
    """Ends the service and drops what it has written. One whose description is broken can be removed, too."""
    app = fields.text("app", max_length=64)
    folder = service_folder(store, app)
    description = _installed(store, app)
    if not folder.is_dir():
        read_description(store, app)
    systemd = Systemd(USER if description is None else description.scope)
    if systemd.booted:
        _take_away(systemd, unit_name(app))
    shutil.rmtree(folder)
    return {}, b""


def _take_away(systemd: Systemd, unit: str) -> None:
    if systemd.state(unit).get("LoadState") == "loaded":
        systemd.control("disable", "--now", unit)
    systemd.drop_unit(unit)


def _installed(store: Store, app: str) -> Optional[ServiceDescription]:
    try:
        return read_description(store, app)
    except StoreError:  # none, or a broken one, which is replaced
        return None


def _status(store: Store, description: ServiceDescription) -> dict[str, Any]:
    folder = service_folder(store, description.app)
    systemd = Systemd(description.scope)
    there = extent(folder / DETECTIONS)
    return {
        "app": description.app,
        "scope": description.scope,
        "source": description.stream.get("source"),
        "unit": unit_name(description.app),
        "state": systemd.state(unit_name(description.app)),
        "lingers": systemd.lingers() if description.scope == USER else True,
        "current": linked_digest(store, description.app),
        "probation": read_probation(folder / PROBATION).to_json(),
        "log": None if there is None else there._asdict(),
    }
