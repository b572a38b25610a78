"""What makes a folder a bundle: `bundle.json` has the digest that names it, and names every other file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from edgeproof_agent.store.objects import Kind, Store, StoreError, file_sha256
from edgeproof_agent.wire.fields import Fields

MANIFEST_FILE = "bundle.json"
_MAX_MANIFEST_BYTES = 1 << 20


def read_manifest(folder: Path, digest: str) -> bytes:
    """The bytes of a bundle's manifest. Raises `StoreError` when they are not those that `digest` names."""
    manifest = b""
    if (folder / MANIFEST_FILE).is_file():
        with (folder / MANIFEST_FILE).open("rb") as file:
            manifest = file.read(_MAX_MANIFEST_BYTES)
    if hashlib.sha256(manifest).hexdigest() != digest:
        raise StoreError("checksum", "the bundle's manifest is not the one that its digest names")
    return manifest


def check_files(manifest: bytes, sha256: Mapping[str, str]) -> None:
    """Compares a bundle's files, given as name to sha-256, with those that its manifest names."""
    if sha256 != _named_files(manifest):
        raise StoreError("checksum", "the bundle's files are not those that its manifest names")


def check_stored_bundle(store: Store, digest: str) -> bytes:
    """Hashes all files of a bundle anew; returns its manifest. Raises `StoreError` when anything has changed."""
    folder = store.path(Kind.BUNDLE, digest)
    if not folder.is_dir():
        raise StoreError("missing", f"bundle {digest} is not on this board")
    try:
        manifest = read_manifest(folder, digest)
    except StoreError as error:
        raise StoreError("damaged", str(error)) from None
    for name, sha256 in _named_files(manifest).items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != sha256:
            raise StoreError("damaged", f"{name} of bundle {digest[:12]} has changed on the board since it was stored")
    return manifest


def name_and_variant(store: Store, digest: str) -> tuple[str, str]:
    """What a stored bundle calls itself; empty where it does not say."""
    try:
        fields = Fields(json.loads(read_manifest(store.path(Kind.BUNDLE, digest), digest)))
        return fields.text("name", default="", max_length=200), fields.text("variant", default="", max_length=64)
    except (OSError, ValueError, RecursionError, StoreError):
        return "", ""


def _named_files(manifest: bytes) -> dict[str, str]:
    try:
        described = Fields(json.loads(manifest))
        entries = described.nested("files")
        return {name: entries.nested(name).text("sha256") for name in described.mapping("files")}
    except (ValueError, RecursionError) as error:
        raise StoreError("checksum", f"the bundle's manifest cannot be read: {error}") from None
