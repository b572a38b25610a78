"""Which machine needs which agents and runtimes of this store: each says so itself, and nobody drops another's.

hosts/<name> holds a JSON object, kind to digests. A name is a hash, of the machine and the installation of edgeproof.
"""

import json
import re
from collections.abc import Collection, Mapping

from edgeproof_agent.store.objects import Kind, Store, StoreError, checked_digest, replace_file
from edgeproof_agent.wire.fields import Fields

MOST_HOSTS = 64
"""Whoever has not said anything for longest gives way: the machines of a CI system come anew each time."""

_FOLDER = "hosts"
_NAME = re.compile(r"[0-9a-f]{16,64}")
_MAX_BYTES = 1 << 16
_MAX_DIGESTS = 500
_KINDS = (Kind.AGENT, Kind.RUNTIME)


def remember(store: Store, host: str, wanted: Mapping[Kind, Collection[str]]) -> None:
    """Keeps what a host needs until it says something else. Raises `StoreError` for what is no name of a host."""
    store.require_lock()
    if not _NAME.fullmatch(host):
        raise StoreError("request", f"{host!r} is not a name of a host")
    listed = {kind.value: sorted(wanted[kind]) for kind in _KINDS if kind in wanted}
    replace_file(store.root / _FOLDER / host, json.dumps(listed).encode())
    known = sorted((store.root / _FOLDER).iterdir(), key=lambda path: path.stat().st_mtime)
    for path in known[:-MOST_HOSTS]:
        path.unlink()


def forget_others(store: Store, host: str) -> None:
    """From now on this host alone decides what is needed."""
    store.require_lock()
    for path in (store.root / _FOLDER).glob("*"):
        if path.name != host:
            path.unlink()


def wanted_by_others(store: Store, host: str) -> dict[Kind, set[str]]:
    """What the other hosts have said; what cannot be read is passed over."""
    wanted: dict[Kind, set[str]] = {kind: set() for kind in _KINDS}
    for path in (store.root / _FOLDER).glob("*"):
        if path.name == host:
            continue
        try:
            with path.open("rb") as file:
                fields = Fields(json.loads(file.read(_MAX_BYTES)))
            for kind in _KINDS:
                if kind.value in fields:
                    wanted[kind].update(checked_digest(str(item)) for item in fields.items(kind.value, _MAX_DIGESTS))
        except (OSError, ValueError, RecursionError, StoreError):
            continue
    return wanted
