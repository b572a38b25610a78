"""Checks what a board serves, and makes new bundles of little difference."""

import hashlib
import json
import os
from pathlib import Path

from edgeproof.bundle import Bundle, open_bundle, write_bundle
from edgeproof_agent.store.objects import STORE_FOLDER


def served_digest(home: Path, app: str) -> str | None:
    """The bundle that an app points at, after every byte of it has been checked against its manifest and its name.
    None when there is no such app."""
    link = home / STORE_FOLDER / "apps" / app / "current"
    if not link.is_symlink():
        return None
    digest = os.readlink(link).rpartition("/")[2]
    manifest = (link / "bundle.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == digest, "the manifest is not the one that the bundle is named by"
    for name, file in json.loads(manifest)["files"].items():
        content = (link / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"], f"{name} is not whole"
    return digest


def tune(bundle: Bundle, folder: Path, seed: int = 1) -> Bundle:
    """A copy with a few other weights. Float weights' lowest bits are changed: any value of theirs is a number."""
    model = bytearray(bundle.model_path.read_bytes())
    start = len(model) // 2 & ~3
    for bit in range(16):
        model[start + 4 * bit] ^= seed >> bit & 1
    return write_bundle(folder, bundle.manifest, bytes(model), bundle.labels())


def broken_bundle(bundle: Path, folder: Path) -> Path:
    """A copy whose manifest names all that is in it, and whose model no runtime reads."""
    opened = open_bundle(bundle)
    model = opened.model_path.read_bytes()
    write_bundle(folder, opened.manifest, model[:8] + bytes(len(model) - 8), opened.labels())
    return folder
