"""What the store holds, by digest: cheap enough to be told in every hello."""

import json
from typing import Any

from edgeproof_agent.store.apps import CURRENT, PREVIOUS, app_names, linked_digest
from edgeproof_agent.store.integrity import looks_whole
from edgeproof_agent.store.objects import Kind, Store
from edgeproof_agent.wire.fields import Fields

RUNTIME_FILE = "runtime.json"
_MAX_RUNTIME_FILE_BYTES = 4096


def inventory(store: Store) -> dict[str, Any]:
    """Agents and bundles that look damaged are left out, so that they are sent anew."""
    runtimes = []
    for digest in store.digests(Kind.RUNTIME):
        path = store.path(Kind.RUNTIME, digest)
        try:
            with (path / RUNTIME_FILE).open("rb") as file:
                described = Fields(json.loads(file.read(_MAX_RUNTIME_FILE_BYTES)))
            name, version = described.text("name"), described.text("version")
        except (OSError, ValueError):
            continue
        runtimes.append({"digest": digest, "name": name, "version": version, "path": str(path)})
    return {
        "agents": [digest for digest in store.digests(Kind.AGENT) if looks_whole(store, Kind.AGENT, digest)],
        "bundles": [digest for digest in store.digests(Kind.BUNDLE) if looks_whole(store, Kind.BUNDLE, digest)],
        "runtimes": runtimes,
        "apps": {
            app: {link: linked_digest(store, app, link) for link in (CURRENT, PREVIOUS)} for app in app_names(store)
        },
    }
