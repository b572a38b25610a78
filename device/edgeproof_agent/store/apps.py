"""Which bundle each app points at: two symlinks that are switched by rename."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, Optional

from edgeproof_agent.store.objects import APP_NAME, Kind, Store, StoreError, checked_digest, make_folder, sync

CURRENT = "current"
PREVIOUS = "previous"


class Link(NamedTuple):
    digest: str
    since_seconds: float
    """When it was switched, by the board's clock, in seconds since 1970."""


def app_names(store: Store) -> list[str]:
    folder = store.root / "apps"
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if APP_NAME.fullmatch(entry.name) and entry.is_dir())


def read_link(store: Store, app: str, name: str = CURRENT) -> Optional[Link]:
    """What an app's link points at; None when there is none, or its bundle is gone."""
    path = _folder(store, app) / name
    try:
        digest = checked_digest(os.readlink(path).rpartition("/")[2])
        since_seconds = path.lstat().st_mtime
    except (OSError, StoreError):
        return None
    return Link(digest, since_seconds) if store.has(Kind.BUNDLE, digest) else None


def current_link(store: Store, app: str) -> Optional[tuple[str, int]]:
    """What an app points at, and since when in ns of the board's clock: linked anew it has another moment."""
    path = _folder(store, app) / CURRENT
    try:
        return checked_digest(os.readlink(path).rpartition("/")[2]), path.lstat().st_mtime_ns
    except (OSError, StoreError):
        return None


def linked_digest(store: Store, app: str, name: str = CURRENT) -> Optional[str]:
    link = read_link(store, app, name)
    return None if link is None else link.digest


def linked_digests(store: Store, but_previous_of: Collection[str] = ()) -> set[str]:
    """Every bundle that an app points at; of the named apps, that their current link points at."""
    links = {
        linked_digest(store, app, name)
        for app in app_names(store)
        for name in ((CURRENT,) if app in but_previous_of else (CURRENT, PREVIOUS))
    }
    return {digest for digest in links if digest is not None}


def switch(store: Store, app: str, digest: str) -> Optional[str]:
    """Points `apps/<app>/current` at a bundle; returns the digest that it pointed at before.

    A power cut on the way leaves `current` as it was or as it shall be; `previous` may then name the same bundle.
    """
    store.require_lock()
    folder = _folder(store, app)
    if not store.has(Kind.BUNDLE, digest):
        raise StoreError("missing", f"bundle {digest} is not on this board")
    before = linked_digest(store, app)
    if before == digest:
        return before
    make_folder(folder)
    if before is not None:
        _replace_link(folder / PREVIOUS, before)
    _replace_link(folder / CURRENT, digest)
    sync(folder)
    return before


def forget_previous(store: Store, app: str) -> None:
    """Takes away the link that an app could be rolled back to. Raises `StoreError` when there is no such app."""
    store.require_lock()
    folder = require_app(store, app)
    (folder / PREVIOUS).unlink(missing_ok=True)
    sync(folder)


def remove_app(store: Store, app: str) -> None:
    """Takes an app away, as a whole or not at all. Raises `StoreError` when there is none of this name."""
    store.require_lock()
    store.discard(require_app(store, app))


def require_app(store: Store, app: str) -> Path:
    """The folder of an app. Raises `StoreError` when there is none of this name."""
    if app not in app_names(store):
        raise StoreError("app", f"there is no app {app[:64]}; there are {', '.join(app_names(store)) or 'none'}")
    return _folder(store, app)


def _folder(store: Store, app: str) -> Path:
    if not APP_NAME.fullmatch(app):
        raise StoreError("request", f"{app!r} is not a name for an app: letters, digits, dot, dash, underscore")
    return store.root / "apps" / app


def _replace_link(link: Path, digest: str) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    os.symlink(f"../../{Kind.BUNDLE.value}/{digest}", temporary)
    os.replace(temporary, link)
