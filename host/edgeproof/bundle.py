"""The bundle: a directory with a model, its labels and `bundle.json`, which verifies and explains both."""

import contextlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeproof.errors import BundleError
from edgeproof.local_files.atomic_file import why_unwritten, write_atomically
from edgeproof.local_files.bounded_files import open_regular, read_bounded, readable
from edgeproof.local_files.digests import sha256_of_bytes, sha256_of_file
from edgeproof.local_files.made_folders import nearest_existing, remove_made
from edgeproof.wording.model_names import name_of_labels, says_nothing
from edgeproof_agent.bundle.manifest import (
    LABELS_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    FileEntry,
    Manifest,
    ManifestError,
)
from edgeproof_agent.bundle.manifest_reader import parse_manifest

_MAX_MANIFEST_BYTES = 1 << 20
_ANOTHER = "choose another --out"
_AGAIN = "Export it again with 'edgeproof export'."


@dataclass(frozen=True)
class ManifestBeside:
    """What a `bundle.json` says of the model beside it; nothing else of that bundle was verified."""

    manifest: Manifest
    digest: str
    """SHA-256 of the bytes of `bundle.json`."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were verified when this object was made."""

    path: Path
    manifest: Manifest
    digest: str
    """SHA-256 of the bytes of `bundle.json`, which holds those of all other files: it names the bundle."""

    @property
    def model_path(self) -> Path:
        return self.path / MODEL_FILE

    @property
    def size_bytes(self) -> int:
        """Size of all files that travel, `bundle.json` not counted."""
        return sum(entry.size_bytes for entry in self.manifest.files.values())

    @property
    def app_name(self) -> str:
        """What an app that serves it is called: as its model is, unless every model is called so."""
        name = self.manifest.name
        return name_of_labels(self.labels()) if says_nothing(name) else name

    def labels(self) -> list[str]:
        """The lines of labels.txt: a class index plus `manifest.label_offset` is a position in this list."""
        return (self.path / LABELS_FILE).read_text("utf-8").removesuffix("\n").split("\n")


def manifest_bytes(manifest: Manifest) -> bytes:
    """`bundle.json`, byte by byte the same for the same content."""
    text = json.dumps(manifest.to_json(), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def write_bundle(
    out_dir: Path,
    manifest: Manifest,
    model: bytes,
    labels: Sequence[str],
    others: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Writes a bundle to `out_dir` and returns it, opened and verified. `others` are further files by their names.

    `manifest.files` is filled in here. A bundle that stands at `out_dir` already is replaced when the new one is whole;
    until then, and when anything goes wrong, it stays. Raises BundleError when something else stands there, or
    it cannot be written.
    """
    if any("\n" in label or "\r" in label for label in labels):
        raise BundleError("a label holds a line break; labels.txt has one label a line")
    contents = {**(others or {}), MODEL_FILE: model, LABELS_FILE: "".join(f"{label}\n" for label in labels).encode()}
    files = {name: FileEntry(sha256_of_bytes(data), len(data)) for name, data in contents.items()}
    contents[MANIFEST_FILE] = manifest_bytes(replace(manifest, files=files))
    require_replaceable(out_dir)
    there = nearest_existing(out_dir.parent)
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out_dir.name}.partial-", dir=out_dir.parent) as scratch:
            whole = Path(scratch) / "new"
            whole.mkdir()
            for name, data in contents.items():
                (whole / name).write_bytes(data)
            open_bundle(whole)
            _put(whole, out_dir, Path(scratch) / "old")
    except OSError as error:
        remove_made(out_dir.parent, there)
        raise BundleError(f"{out_dir}: {why_unwritten(error, _ANOTHER)}") from error
    return open_bundle(out_dir)


def write_zip(bundle: Bundle) -> Path:
    """The bundle as one file beside its folder; the same bundle gives the same bytes. Raises BundleError."""
    target = bundle.path.with_name(f"{bundle.path.name}.zip")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (MANIFEST_FILE, *sorted(bundle.manifest.files)):
            # A ZipInfo has a fixed date.
            entry = zipfile.ZipInfo(f"{bundle.path.name}/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (bundle.path / name).read_bytes(), zipfile.ZIP_DEFLATED)
    try:
        write_atomically(target, packed.getvalue())
    except OSError as error:
        raise BundleError(f"{target}: {why_unwritten(error, _ANOTHER)}") from error
    return target


def open_bundle(path: Path) -> Bundle:
    """Reads `bundle.json` and verifies size and SHA-256 of every file it names.

    Raises BundleError when the bundle is missing, incomplete or changed.
    """
    if not path.is_dir():
        raise BundleError(f"{path}: there is no bundle. {_AGAIN}")
    manifest, digest = _read_manifest(path)
    for name, entry in manifest.files.items():
        _verify(path / name, entry)
    return Bundle(path, manifest, digest)


def manifest_beside(model: Path, data: bytes) -> ManifestBeside | None:
    """The manifest in the folder of the file `model`, whose bytes are `data`; None when it is not of this very file."""
    try:
        manifest, digest = _read_manifest(model.parent)
    except BundleError:
        return None
    entry = manifest.files.get(MODEL_FILE)
    same = entry is not None and entry.sha256 == sha256_of_bytes(data)
    return ManifestBeside(manifest, digest) if same else None


def _read_manifest(path: Path) -> tuple[Manifest, str]:
    """The manifest in the folder `path`, and its digest."""
    manifest_path = path / MANIFEST_FILE
    if not manifest_path.exists() and not manifest_path.is_symlink():
        bundles = sorted(str(item.parent) for item in path.glob(f"*/{MANIFEST_FILE}"))
        if bundles:
            raise BundleError(f"{path}: it holds bundles, but is none. Name one of them: {', '.join(bundles)}.")
        raise BundleError(
            f"{path}: it holds no {MANIFEST_FILE}, so it is no bundle. Name a folder that 'edgeproof export' wrote."
        )
    with readable(manifest_path, BundleError, _AGAIN):
        data = read_bounded(manifest_path, _MAX_MANIFEST_BYTES)
        said = json.loads(data.decode("utf-8"))
    try:
        manifest = parse_manifest(said)
    except ManifestError as error:
        raise BundleError(f"{path}: {error}. {_AGAIN}") from error
    return manifest, sha256_of_bytes(data)


def _verify(path: Path, entry: FileEntry) -> None:
    if not path.exists() and not path.is_symlink():
        raise BundleError(f"{path}: the file is missing. {_AGAIN}")
    with readable(path, BundleError, _AGAIN):
        with open_regular(path) as file:
            size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes != entry.size_bytes:
            raise BundleError(f"{path}: it has {size_bytes} bytes, bundle.json says {entry.size_bytes}. {_AGAIN}")
        if sha256_of_file(path) != entry.sha256:
            raise BundleError(f"{path}: its content is not what bundle.json says (SHA-256 differs). {_AGAIN}")


def require_replaceable(out_dir: Path) -> None:
    """Raises BundleError when `out_dir` holds anything beside the files of a bundle: a new one takes its place."""
    if not out_dir.exists() and not out_dir.is_symlink():
        return
    if out_dir.is_symlink() or not out_dir.is_dir():
        raise BundleError(f"{out_dir}: something that is not a folder is in the bundle's place. Choose another --out.")
    others = sorted(entry.name for entry in out_dir.iterdir() if entry.name not in _named_files(out_dir))
    if others:
        raise BundleError(
            f"{out_dir}: the folder holds other files than a bundle: {', '.join(others[:3])}. Move them, or choose "
            "another --out."
        )


def _named_files(folder: Path) -> set[str]:
    """bundle.json and the files that it names, whole or not; nothing when it is no manifest of ours."""
    try:
        return {MANIFEST_FILE, *_read_manifest(folder)[0].files}
    except BundleError:
        return set()


def require_writable(folder: Path) -> None:
    """Raises BundleError when bundles cannot be written to `folder`, which may be made for it. Leaves nothing there."""
    there = nearest_existing(folder)
    if not there.is_dir():
        raise BundleError(f"{there}: it is a file, and bundles need a folder. Choose another --out.")
    try:
        with tempfile.TemporaryDirectory(prefix=".edgeproof-", dir=there):
            pass
    except OSError as error:
        raise BundleError(f"{folder}: {why_unwritten(error, _ANOTHER)}") from error


def _put(whole: Path, out_dir: Path, aside: Path) -> None:
    """Renames `whole` to `out_dir`; what was there goes to `aside`, and comes back if the rename fails."""
    if not out_dir.exists():
        whole.rename(out_dir)
        return
    out_dir.rename(aside)
    try:
        whole.rename(out_dir)
    except BaseException:
        with contextlib.suppress(OSError):
            shutil.rmtree(out_dir, ignore_errors=True)
            aside.rename(out_dir)
        raise
