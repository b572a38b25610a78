"""What the store service answers: probe, inventory, begin, put, finish, build_runtime, publish, switch."""

import compileall
import hashlib
import json
import os
import platform
import sys
from pathlib import Path

from edgeproof_agent import PROTOCOL_VERSION, __version__
from edgeproof_agent.fields import Fields
from edgeproof_agent.link import take_standard_streams
from edgeproof_agent.probe import probe
from edgeproof_agent.runtime_build import RuntimeBuildError, build_environment
from edgeproof_agent.service import Exchange, Operation, Reply, RequestError, check_protocol, serve
from edgeproof_agent.store import (
    MAX_FILES,
    STORE_FOLDER,
    Kind,
    Store,
    StoredFile,
    StoreError,
    listing_digest,
    trouble_kind,
)

MAX_FILE_BYTES = 4 << 30
RUNTIME_FILE = "runtime.json"
_MAX_RUNTIME_FILE_BYTES = 4096
_MAX_MANIFEST_BYTES = 1 << 20


class StoreOperations:
    """The store behind the protocol. Only the standard library is used: it runs before anything is installed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def table(self) -> dict[str, Operation]:
        operations = {
            "hello": self.hello,
            "inventory": self.inventory,
            "begin": self.begin,
            "put": self.put,
            "finish": self.finish,
            "build_runtime": self.build_runtime,
            "publish": self.publish,
            "switch": self.switch,
        }
        return {name: _in_our_words(operation) for name, operation in operations.items()}

    def hello(self, exchange: Exchange) -> Reply:
        check_protocol(exchange)
        return {
            "protocol": PROTOCOL_VERSION,
            "agent": __version__,
            "root": str(self._store.root),
            "facts": probe(home=self._store.root.parent),
            **self._inventory(),
        }, b""

    def inventory(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        return self._inventory(), b""

    def begin(self, exchange: Exchange) -> Reply:
        """Announces an object. Answers with what is there of it: all, or the size of each file."""
        self._store.lock(exchange.fields.number("wait_seconds", default=10.0, low=0, high=600))
        kind, digest = _kind(exchange.fields), exchange.fields.text("digest")
        if self._store.has(kind, digest):
            return {"present": True}, b""
        extra_bytes = exchange.fields.integer("extra_bytes", default=0)
        return {"present": False, "offsets": self._store.begin(kind, digest, _files(exchange.fields), extra_bytes)}, b""

    def put(self, exchange: Exchange) -> Reply:
        """The payload continues a file of an announced object."""
        fields = exchange.fields
        offset = fields.integer("offset", high=MAX_FILE_BYTES)
        name = fields.text("name")
        return {
            "size_bytes": self._store.append(_kind(fields), fields.text("digest"), name, offset, exchange.payload)
        }, b""

    def finish(self, exchange: Exchange) -> Reply:
        """Verifies an announced object and, unless it is a runtime that has yet to be built, gives it its name."""
        kind, digest, files = _kind(exchange.fields), exchange.fields.text("digest"), _files(exchange.fields)
        self._store.verify(kind, digest, files)
        folder = self._store.incoming(kind, digest)
        if kind is Kind.RUNTIME:
            return {"path": str(folder)}, b""
        if kind is Kind.BUNDLE:
            _check_bundle(folder, digest, files)
        elif listing_digest(files) != digest:
            raise StoreError("checksum", "the object's files are not those that its digest names")
        if kind is Kind.AGENT:
            compileall.compile_dir(str(folder), quiet=2)
        return {"path": str(self._store.publish(kind, digest))}, b""

    def build_runtime(self, exchange: Exchange) -> Reply:
        """Makes the virtual environment of an announced runtime; it gets its name by `publish`, once it is proven."""
        digest = exchange.fields.text("digest")
        timeout_seconds = exchange.fields.number("timeout_seconds", low=1, high=7200)
        folder = self._store.incoming(Kind.RUNTIME, digest)
        self._store.require_lock()
        try:
            build_environment(folder, lambda: exchange.send_event("working", {}), timeout_seconds)
        except RuntimeBuildError as error:
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
        os.sync()
        return {"path": str(self._store.publish(Kind.RUNTIME, digest))}, b""

    def switch(self, exchange: Exchange) -> Reply:
        """Points an app at a bundle."""
        self._store.lock(exchange.fields.number("wait_seconds", default=10.0, low=0, high=600))
        before = self._store.switch(exchange.fields.text("app"), exchange.fields.text("digest"))
        return {"before": before}, b""

    def _inventory(self) -> dict[str, object]:
        store = self._store
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
            "agents": store.digests(Kind.AGENT),
            "bundles": store.digests(Kind.BUNDLE),
            "runtimes": runtimes,
            "apps": {
                app: {"current": store.current(app), "previous": store.current(app, "previous")} for app in store.apps()
            },
        }


def main() -> int:
    """Serves the store in the login user's home folder."""
    link = take_standard_streams()
    try:
        return serve(link, StoreOperations(Store(Path.home() / STORE_FOLDER)).table())
    except BrokenPipeError:
        return 3


def _in_our_words(operation: Operation) -> Operation:
    def answer(exchange: Exchange) -> Reply:
        try:
            return operation(exchange)
        except StoreError as error:
            raise RequestError(error.kind, str(error)) from error
        except OSError as error:
            raise RequestError(
                trouble_kind(error), f"{error.strerror or error}: {error.filename or 'the store'}"
            ) from error

    return answer


def _kind(fields: Fields) -> Kind:
    return Kind(fields.choice("kind", [kind.value for kind in Kind]))


def _files(fields: Fields) -> list[StoredFile]:
    return [
        StoredFile(
            item.text("name"), item.integer("size_bytes", high=MAX_FILE_BYTES), item.text("sha256", max_length=64)
        )
        for item in fields.objects("files", MAX_FILES)
    ]


def _check_bundle(folder: Path, digest: str, files: list[StoredFile]) -> None:
    """A bundle's digest is that of its manifest, which names every other file."""
    manifest = b""
    if (folder / "bundle.json").is_file():
        with (folder / "bundle.json").open("rb") as file:
            manifest = file.read(_MAX_MANIFEST_BYTES)
    if hashlib.sha256(manifest).hexdigest() != digest:
        raise StoreError("checksum", "the bundle's manifest is not the one that its digest names")
    try:
        described = Fields(json.loads(manifest))
        entries = described.nested("files")
        named = {name: entries.nested(name).text("sha256") for name in described.mapping("files")}
    except (ValueError, RecursionError) as error:
        raise StoreError("checksum", f"the bundle's manifest cannot be read: {error}") from None
    arrived = {entry.name: entry.sha256 for entry in files if entry.name != "bundle.json"}
    if named != arrived:
        raise StoreError("checksum", "the bundle's files are not those that its manifest names")


if __name__ == "__main__":
    sys.exit(main())
