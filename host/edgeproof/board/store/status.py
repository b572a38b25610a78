"""What a board serves since when, and what edgeproof takes there."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.board.store.client import BoardStore
from edgeproof.board.store.inventory import parse_app, parse_digest
from edgeproof.wording.printable import printable
from edgeproof_agent.wire.fields import Fields

_MAX_BYTES = 2**60
_MAX_SECONDS = 2.0**40


@dataclass(frozen=True)
class ServedBundle:
    digest: str
    name: str
    variant: str
    age_seconds: float
    """For how long the app's link has named it, by the board's own clock."""
    disk_bytes: int
    has_signature: bool
    """Whether one is kept on the board; whose it is, is checked when the board asks for signatures."""


@dataclass(frozen=True)
class AppStatus:
    current: ServedBundle | None
    previous: ServedBundle | None


@dataclass(frozen=True)
class BoardStatus:
    apps: Mapping[str, AppStatus]
    disk_bytes: Mapping[str, int]
    """What each kind of object takes on the board's disk: agents, runtimes, bundles, media, incoming."""
    free_bytes: int
    signature_required: bool


def read_status(store: BoardStore) -> BoardStatus:
    """Asks the board. Raises `ProtocolError` when it answers something else."""
    fields = store.status()
    with store.reading():
        now_seconds = fields.number("now_seconds", low=0, high=_MAX_SECONDS)
        apps = fields.nested("apps")
        disk = fields.nested("disk_bytes")
        return BoardStatus(
            apps={
                parse_app(app): AppStatus(
                    current=_served(apps.nested(app), "current", now_seconds),
                    previous=_served(apps.nested(app), "previous", now_seconds),
                )
                for app in fields.mapping("apps")
            },
            disk_bytes={
                printable(kind[:64]): disk.integer(kind, high=_MAX_BYTES) for kind in fields.mapping("disk_bytes")
            },
            free_bytes=fields.integer("free_bytes", high=_MAX_BYTES),
            signature_required=store.inventory.signers is not None,
        )


def _served(app: Fields, link: str, now_seconds: float) -> ServedBundle | None:
    if link not in app:
        return None
    fields = app.nested(link)
    return ServedBundle(
        digest=parse_digest(fields.text("digest")),
        name=printable(fields.text("name", max_length=200)),
        variant=printable(fields.text("variant", max_length=64)),
        # A board without a battery wakes up in the past.
        age_seconds=max(0.0, now_seconds - fields.number("since_seconds", low=0, high=_MAX_SECONDS)),
        disk_bytes=fields.integer("disk_bytes", high=_MAX_BYTES),
        has_signature=fields.flag("has_signature"),
    )
