"""What each app serves since when, and what the store takes on the disk."""

import shutil
import time
from typing import Any, Optional

from edgeproof_agent.store.apps import CURRENT, PREVIOUS, app_names, read_link
from edgeproof_agent.store.bundles import name_and_variant
from edgeproof_agent.store.objects import Kind, Store
from edgeproof_agent.store.prune import PARTIAL, disk_bytes


def status(store: Store) -> dict[str, Any]:
    """Times are the board's own, in seconds since 1970; `now_seconds` says what its clock shows."""
    root = store.root
    kinds = [*(kind.value for kind in Kind), PARTIAL]
    return {
        "now_seconds": time.time(),
        "apps": {app: {link: _link(store, app, link) for link in (CURRENT, PREVIOUS)} for app in app_names(store)},
        "disk_bytes": {kind: disk_bytes(root / kind) for kind in kinds},
        "free_bytes": shutil.disk_usage(root if root.is_dir() else root.parent).free,
    }


def _link(store: Store, app: str, name: str) -> Optional[dict[str, Any]]:
    link = read_link(store, app, name)
    if link is None:
        return None
    bundle_name, variant = name_and_variant(store, link.digest)
    return {
        "digest": link.digest,
        "since_seconds": link.since_seconds,
        "name": bundle_name,
        "variant": variant,
        "disk_bytes": disk_bytes(store.path(Kind.BUNDLE, link.digest)),
        "has_signature": (store.root / "signatures" / link.digest).is_file(),
    }
