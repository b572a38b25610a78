"""Whether a stored object still looks like what its name says: a disk can lose or cut files after a power failure."""

import json
from pathlib import Path

from edgeproof_agent.store.bundles import read_manifest
from edgeproof_agent.store.objects import Kind, Store, StoredFile, StoreError, file_sha256, listing_digest
from edgeproof_agent.wire.fields import Fields


def looks_whole(store: Store, kind: Kind, digest: str) -> bool:
    """Cheap enough for every hello: an agent is hashed, of a bundle the manifest is, and its files' sizes are compared.

    Other kinds are only looked for. `check_stored_bundle` hashes all of a bundle.
    """
    folder = store.path(kind, digest)
    try:
        if kind is Kind.AGENT:
            return listing_digest(_sources(folder)) == digest
        if kind is Kind.BUNDLE:
            return _has_its_sizes(folder, digest)
    except (OSError, ValueError, RecursionError, StoreError):
        return False
    return folder.is_dir()


def _sources(folder: Path) -> list[StoredFile]:
    """What was sent of an agent: without what was compiled from it."""
    paths = [path for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    return [StoredFile(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path)) for path in paths]


def _has_its_sizes(folder: Path, digest: str) -> bool:
    described = Fields(json.loads(read_manifest(folder, digest)))
    entries = described.nested("files")
    return all(
        (folder / name).stat().st_size == entries.nested(name).integer("size_bytes", high=2**63)
        for name in described.mapping("files")
    )
