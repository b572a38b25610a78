"""Finds and drops what nothing on the board points to."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from edgeproof_agent.store.apps import forget_previous, linked_digests, require_app
from edgeproof_agent.store.objects import Kind, Store
from edgeproof_agent.store.services.description import kept_digests
from edgeproof_agent.store.usage_locks import is_held

PARTIAL = "incoming"


class Unwanted(NamedTuple):
    kind: str
    """A kind of object, or `incoming` for a partial upload."""
    name: str
    disk_bytes: int
    in_use: bool
    """A process uses it, so it stays for now."""


def disk_bytes(path: Path) -> int:
    """What a file or a folder with all that is in it takes on the disk; 0 when it is not there.

    Of a file that has several names, as runtimes share them, each has its part.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0
    total = status.st_blocks * 512
    if path.is_symlink() or not path.is_dir():
        return total // max(1, status.st_nlink)
    with os.scandir(path) as entries:
        return total + sum(disk_bytes(Path(entry.path)) for entry in entries)


def prune(
    store: Store, wanted: Mapping[Kind, Collection[str]], dry_run: bool, let_go: Collection[str] = ()
) -> list[Unwanted]:
    """Drops the objects of the kinds in `wanted` but for the digests there, bundles of apps, what services run
    with and what is in use.

    Of the apps in `let_go` the current bundle alone stays: they cannot be rolled back any more. Where bundles are among
    the kinds, partial uploads go too. With `dry_run` all stays; the result is the same.
    """
    store.require_lock()
    for app in let_go:
        require_app(store, app)
    unwanted = []
    of_services = kept_digests(store)
    for kind, digests in wanted.items():
        keep = {*digests, *of_services, *(linked_digests(store, let_go) if kind is Kind.BUNDLE else ())}
        unwanted += [_described(store.path(kind, digest)) for digest in store.digests(kind) if digest not in keep]
    if Kind.BUNDLE in wanted:
        unwanted += [_described(path) for path in sorted((store.root / PARTIAL).iterdir()) if path.is_dir()]
    if not dry_run:
        for app in let_go:
            forget_previous(store, app)
        for item in unwanted:
            if not item.in_use:
                store.discard(store.root / item.kind / item.name)
        _drop_orphans(store)
    return unwanted


def _described(path: Path) -> Unwanted:
    return Unwanted(path.parent.name, path.name, disk_bytes(path), in_use=is_held(path))


def _drop_orphans(store: Store) -> None:
    """What is kept beside a bundle goes after it."""
    bundles = set(store.digests(Kind.BUNDLE))
    for folder in ("chunks", "signatures"):
        for path in (store.root / folder).glob("*"):
            if path.name not in bundles:
                path.unlink()
