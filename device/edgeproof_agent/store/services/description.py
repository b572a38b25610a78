"""What a service is to run: a file of the store that a host leaves and the agent reads."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.store.objects import APP_NAME, Store, StoreError, checked_digest, replace_file
from edgeproof_agent.store.services.places import PROBATION
from edgeproof_agent.store.services.probation import read_probation
from edgeproof_agent.wire.fields import FieldError, Fields

USER, SYSTEM = "user", "system"
SCOPES = (USER, SYSTEM)
_FILE = "service.json"
_MAX_BYTES = 1 << 16
_MIB = 1 << 20


@dataclass(frozen=True)
class ServiceDescription:
    app: str
    scope: str
    """Whose manager keeps it: the login user's, or the system's."""
    agent: str
    runtime: str
    """Digests of what it runs with."""
    runtime_name: str
    stream: dict[str, Any]
    """The source and how it is captured, as in a request for a stream."""
    min_score: float
    log_mib: int
    """What its detections may take on the disk."""
    threads: Optional[int]
    cores: str
    delegate: Optional[str]
    start_seconds: float
    """How long a bundle may take from its start to being active."""
    stable_seconds: float
    """For how long it has to run, then, before it counts as healthy."""
    tries: int
    """How often a new bundle is tried before the one of before comes back."""
    watchdog_seconds: float
    """Without a sign of life from the inference loop for so long it is killed and started again."""

    @classmethod
    def read(cls, fields: Fields) -> "ServiceDescription":
        """Raises `FieldError`."""
        app = fields.text("app", max_length=64)
        if not APP_NAME.fullmatch(app):
            raise FieldError(f"{fields.path('app')} is not a name for an app")
        try:
            agent, runtime = (checked_digest(fields.text(name, max_length=64)) for name in ("agent", "runtime"))
        except StoreError as error:
            raise FieldError(str(error)) from error
        return cls(
            app=app,
            scope=fields.choice("scope", SCOPES),
            agent=agent,
            runtime=runtime,
            runtime_name=fields.text("runtime_name", max_length=64),
            stream=fields.mapping("stream"),
            min_score=fields.number("min_score", low=0.0, high=1.0),
            log_mib=fields.integer("log_mib", low=1, high=1 << 20),
            threads=fields.integer("threads", low=1, high=1024) if "threads" in fields else None,
            cores=fields.text("cores", max_length=8),
            delegate=fields.text("delegate") if "delegate" in fields else None,
            start_seconds=fields.number("start_seconds", low=1.0, high=86_400.0),
            stable_seconds=fields.number("stable_seconds", low=0.0, high=86_400.0),
            tries=fields.integer("tries", low=1, high=100),
            watchdog_seconds=fields.number("watchdog_seconds", low=1.0, high=86_400.0),
        )

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__}


def service_folder(store: Store, app: str) -> Path:
    if not APP_NAME.fullmatch(app):
        raise StoreError("request", f"{app!r} is not a name for an app")
    return store.root / "services" / app


def service_names(store: Store) -> list[str]:
    return sorted(path.parent.name for path in store.root.glob(f"services/*/{_FILE}"))


def write_description(store: Store, description: ServiceDescription) -> None:
    """Readable for its owner alone: a source may hold a password."""
    folder = service_folder(store, description.app)
    folder.mkdir(0o700, parents=True, exist_ok=True)
    replace_file(folder / _FILE, json.dumps(description.to_json()).encode(), 0o600)


def read_description(store: Store, app: str) -> ServiceDescription:
    """Raises `StoreError` when there is no such service, or its file is broken."""
    path = service_folder(store, app) / _FILE
    try:
        with path.open("rb") as file:
            description = ServiceDescription.read(Fields(json.loads(file.read(_MAX_BYTES))))
    except FileNotFoundError:
        raise StoreError("noservice", f"there is no service for the app {app} on this board") from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError("service", f"{path} cannot be read: {error}") from error
    if description.app != app:
        raise StoreError("service", f"{path} is of another app: {description.app}")
    return description


def kept_digests(store: Store) -> set[str]:
    """Agents and runtimes that a service runs with, and the bundle that it goes back to when a new one never gets
    healthy: two pushes later no app names that one. Raises `StoreError` when that cannot be told."""
    kept = set()
    for app in service_names(store):
        description = read_description(store, app)
        proven = read_probation(service_folder(store, app) / PROBATION).proven
        kept |= {description.agent, description.runtime, *([proven] if proven else [])}
    return kept


def log_bytes(description: ServiceDescription) -> int:
    return description.log_mib * _MIB
