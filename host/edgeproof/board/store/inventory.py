"""What a board's store says that it holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.wording.printable import printable
from edgeproof_agent.store.objects import APP_NAME
from edgeproof_agent.wire.fields import FieldError, Fields

MAX_PATH = 4096
_MAX_OBJECTS = 10_000
_MAX_SIGNERS = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    """By digest."""

    agents: frozenset[str]
    bundles: frozenset[str]
    runtimes: tuple[StoredRuntime, ...]
    apps: Mapping[str, AppState]
    signers: frozenset[str] | None
    """Public keys of which one must have signed a bundle; None when the board asks for no signature."""


def parse_inventory(fields: Fields) -> Inventory:
    """Raises `FieldError`."""
    runtimes = [
        StoredRuntime(
            parse_digest(item.text("digest")),
            printable(item.text("name", max_length=64)),
            printable(item.text("version", max_length=64)),
            item.text("path", max_length=MAX_PATH),
        )
        for item in fields.objects("runtimes", _MAX_OBJECTS)
    ]
    apps = {}
    for name in fields.mapping("apps"):
        links = fields.nested("apps").nested(parse_app(name))
        apps[name] = AppState(
            *(parse_digest(links.text(link)) if link in links else None for link in ("current", "previous"))
        )
    signers = None
    if "signers" in fields:
        signers = frozenset(printable(str(key)) for key in fields.items("signers", _MAX_SIGNERS))
    return Inventory(
        agents=frozenset(parse_digest(item) for item in fields.items("agents", _MAX_OBJECTS)),
        bundles=frozenset(parse_digest(item) for item in fields.items("bundles", _MAX_OBJECTS)),
        runtimes=tuple(runtimes),
        apps=apps,
        signers=signers,
    )


def parse_app(name: str) -> str:
    if not APP_NAME.fullmatch(name):
        raise FieldError(f"{name[:64]!r} is not a name for an app")
    return name


def parse_digest(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise FieldError("a digest must be 64 hexadecimal digits")
    return value
