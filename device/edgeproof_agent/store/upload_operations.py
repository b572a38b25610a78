"""The way of an object into the store, as requests: begin, put, finish, and for a runtime build_runtime, publish."""

import contextlib
import os
import platform
import zlib
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.store.bundles import MANIFEST_FILE, check_files, read_manifest
from edgeproof_agent.store.integrity import looks_whole
from edgeproof_agent.store.inventory import RUNTIME_FILE
from edgeproof_agent.store.objects import Kind, Store, StoredFile, StoreError, listing_digest, sync
from edgeproof_agent.store.uploads import MAX_FILES, Upload
from edgeproof_agent.store.usage_locks import hold
from edgeproof_agent.wire.answering import Exchange, Operation, Reply, RequestError
from edgeproof_agent.wire.fields import Fields

MAX_FILE_BYTES = 4 << 30
MAX_PACKED_BYTES = 1 << 22


class UploadOperations:
    """One object at a time. The store is locked from its `begin` until it has its name, or is refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._upload: Optional[Upload] = None
        self._chunks: dict[str, Any] = {}
        self._anew = False
        self._tried = False
        self._unbuilt = False  # a runtime has arrived and has yet to be built and published

    def table(self) -> dict[str, Operation]:
        return {
            "begin": self.begin,
            "put": self.put,
            "finish": self.finish,
            "build_runtime": self.build_runtime,
            "publish": self.publish,
        }

    def begin(self, exchange: Exchange) -> Reply:
        """Announces an object; takes the lock until it is whole.

        Answers with what is there of it: all, or the size of each file and the ranges that the board adds by itself.
        With `anew` an object that is there is replaced when its files have come.
        """
        fields = exchange.fields
        kind, digest = _kind(fields), fields.text("digest")
        self._end_upload()
        self._require_trial()
        self._store.lock(wait_seconds(fields))
        try:
            self._anew = fields.flag("anew", default=False)
            if not self._anew and looks_whole(self._store, kind, digest):
                hold(self._store.path(kind, digest))
                return {"present": True}, b""
            known: dict[str, Any] = {}
            if "chunks" in fields:
                from edgeproof_agent.store.chunks import known_ranges, unpack_chunks

                self._chunks = unpack_chunks(fields, exchange.payload)
                known = known_ranges(self._store, self._chunks)
            upload = Upload(self._store, kind, digest, _files(fields))
            offsets = upload.begin(known, fields.integer("extra_bytes", default=0))
            self._upload = upload
        finally:
            if self._upload is None:
                self._end_upload()
        ranges = {name: [[item.start, item.end] for item in items] for name, items in known.items() if items}
        return {"present": False, "offsets": offsets, "known": ranges}, b""

    def _require_trial(self) -> None:
        """Raises `StoreError`, ahead of any byte of an object, where the board could not store or run it."""
        if self._tried:
            return
        from edgeproof_agent.store.trial import try_store

        troubles = try_store(self._store.root).troubles
        if troubles:
            raise StoreError(troubles[0].kind, "; ".join(trouble.text for trouble in troubles))
        self._tried = True

    def put(self, exchange: Exchange) -> Reply:
        """The payload continues a file of the announced object; `packed_from` tells its size before zlib."""
        fields, data = exchange.fields, exchange.payload
        if "packed_from" in fields:
            data = _unpacked(data, fields.integer("packed_from", high=MAX_PACKED_BYTES))
        upload = self._announced(fields)
        size_bytes = upload.append(fields.text("name"), fields.integer("offset", high=MAX_FILE_BYTES), data)
        return {"size_bytes": size_bytes}, b""

    def finish(self, exchange: Exchange) -> Reply:
        """Verifies the announced object and, unless it is a runtime that has yet to be built, gives it its name."""
        upload = self._announced(exchange.fields)
        if upload.kind is Kind.RUNTIME:
            upload.verify()
            self._unbuilt = True
            return {"path": str(upload.folder)}, b""
        try:
            return {"path": str(self._finished(upload, exchange.fields))}, b""
        finally:
            self._end_upload()

    def _finished(self, upload: Upload, fields: Fields) -> Path:
        upload.verify()
        kind, digest = upload.kind, upload.digest
        if kind is Kind.BUNDLE:
            manifest = read_manifest(upload.folder, digest)
            check_files(manifest, {file.name: file.sha256 for file in upload.files if file.name != MANIFEST_FILE})
            check_given_signature(self._store, digest, manifest, fields)
        elif listing_digest(upload.files) != digest:
            raise StoreError("checksum", "the object's files are not those that its digest names")
        if kind is Kind.AGENT:
            _compile(upload.folder)
        if self._store.has(kind, digest) and (self._anew or not looks_whole(self._store, kind, digest)):
            self._store.discard(self._store.path(kind, digest))
        path = self._store.publish(kind, digest)
        hold(path)
        if self._chunks:
            from edgeproof_agent.store.chunks import save_chunks

            with contextlib.suppress(OSError):  # it only makes the next push shorter
                save_chunks(self._store, digest, self._chunks)
        return path

    def build_runtime(self, exchange: Exchange) -> Reply:
        """Makes the virtual environment of an announced runtime; it gets its name by `publish`, once it is proven."""
        import json

        from edgeproof_agent.store.runtime_build import RuntimeBuildError, build_environment

        digest = exchange.fields.text("digest")
        timeout_seconds = exchange.fields.number("timeout_seconds", low=1, high=7200)
        folder = self._store.incoming(Kind.RUNTIME, digest)
        self._store.require_lock()
        others = [self._store.path(Kind.RUNTIME, other) for other in self._store.digests(Kind.RUNTIME)]
        try:
            build_environment(folder, lambda: exchange.send_event("working", {}), timeout_seconds, others)
        except RuntimeBuildError as error:
            self._unbuilt = False
            self._end_upload()
            raise RequestError("build", str(error)) from error
        description = {
            "name": exchange.fields.text("name", max_length=64),
            "version": exchange.fields.text("version", max_length=64),
            "python": platform.python_version(),
        }
        (folder / RUNTIME_FILE).write_text(json.dumps(description), encoding="utf-8")
        return {"path": str(folder)}, b""

    def publish(self, exchange: Exchange) -> Reply:
        """Gives a built and proven runtime its name."""
        digest = exchange.fields.text("digest")
        self._store.require_lock()
        os.sync()
        try:
            path = self._store.publish(Kind.RUNTIME, digest)
            hold(path)
            return {"path": str(path)}, b""
        finally:
            self._unbuilt = False
            self._end_upload()

    def _announced(self, fields: Fields) -> Upload:
        self._store.require_lock()
        upload = self._upload
        if upload is None or (upload.kind, upload.digest) != (_kind(fields), fields.text("digest")):
            raise StoreError("request", "the object was not announced; send `begin` first")
        return upload

    def _end_upload(self) -> None:
        if self._upload is not None:
            self._upload.close()
        self._upload, self._chunks = None, {}
        if not self._unbuilt:
            self._store.unlock()


def wait_seconds(fields: Fields) -> float:
    """How long a request is ready to wait for the lock."""
    return fields.number("wait_seconds", default=10.0, low=0, high=600)


def check_given_signature(store: Store, digest: str, manifest: bytes, fields: Fields) -> None:
    """Checks a bundle's signature, which a request may bring, where the board asks for one. Raises `StoreError`."""
    if "signature" not in fields and not store.has_policy():
        return
    from edgeproof_agent.store.signatures import MAX_SIGNATURE_CHARACTERS, check_signature

    given = fields.text("signature", max_length=MAX_SIGNATURE_CHARACTERS) if "signature" in fields else None
    check_signature(store, digest, manifest, given)


def _kind(fields: Fields) -> Kind:
    return Kind(fields.choice("kind", [kind.value for kind in Kind]))


def _files(fields: Fields) -> list[StoredFile]:
    return [
        StoredFile(
            item.text("name"), item.integer("size_bytes", high=MAX_FILE_BYTES), item.text("sha256", max_length=64)
        )
        for item in fields.objects("files", MAX_FILES)
    ]


def _unpacked(data: bytes, size_bytes: int) -> bytes:
    """Undoes zlib, for exactly that many bytes: what claims to be less never takes more memory."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, size_bytes + 1)
    except zlib.error as error:
        raise StoreError("checksum", f"the bytes cannot be unpacked: {error}") from None
    if len(unpacked) != size_bytes:
        raise StoreError("checksum", f"the bytes unpack to another size than {size_bytes}")
    return unpacked


def _compile(folder: Path) -> None:
    """The agent is compiled once, where it is stored; each file is written through like those that were sent."""
    import compileall

    compileall.compile_dir(str(folder), quiet=2)
    for path in folder.rglob("*.pyc"):
        sync(path)
