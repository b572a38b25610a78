"""Drops from a board what nothing points to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.client import BoardStore
from edgeproof.wording.printable import printable
from edgeproof_agent.store.objects import Kind
from edgeproof_agent.wire.fields import Fields

_MAX_OBJECTS = 100_000
_MAX_BYTES = 2**60


@dataclass(frozen=True)
class DroppedObject:
    kind: str
    """agents, runtimes, bundles, media, or incoming for a partial upload."""
    name: str
    disk_bytes: int
    in_use: bool
    """Something runs from it on the board, so it stayed."""


def prune(
    store: BoardStore, dry_run: bool = False, let_go: Sequence[str] = (), all_hosts: bool = False
) -> list[DroppedObject]:
    """Drops bundles that no app's current or previous link names, media, partial uploads, and agents and runtimes of
    other versions of edgeproof that no other host needs. With `dry_run` it only says what it would drop.

    `let_go` are apps whose previous bundle goes, too: they cannot be rolled back then. With `all_hosts` it does not
    matter what other hosts need.
    """
    wanted = {**_of_this_version(store), Kind.BUNDLE: (), Kind.MEDIA: ()}
    return _dropped(store, store.drop_unwanted(wanted, dry_run, let_go, all_hosts))


def drop_old_runtimes(store: BoardStore) -> list[DroppedObject]:
    """Drops agents and runtimes of other versions of edgeproof that no other host needs; bundles and media stay."""
    return _dropped(store, store.drop_unwanted(_of_this_version(store), dry_run=False))


def _of_this_version(store: BoardStore) -> dict[Kind, Collection[str]]:
    return {
        Kind.AGENT: {agent_object().digest},
        Kind.RUNTIME: {release.digest(store.facts) for release in fitting_releases(store.facts)},
    }


def _dropped(store: BoardStore, reply: Fields) -> list[DroppedObject]:
    with store.reading():
        return [
            DroppedObject(
                kind=printable(item.text("kind", max_length=64)),
                name=printable(item.text("name", max_length=200)),
                disk_bytes=item.integer("disk_bytes", high=_MAX_BYTES),
                in_use=item.flag("in_use"),
            )
            for item in reply.objects("unwanted", _MAX_OBJECTS)
        ]
