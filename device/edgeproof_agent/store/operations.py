"""What the store service answers. Modules that few hosts ask for are loaded when they do: a board compiles them anew in
every session."""

import contextlib
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from edgeproof_agent import PROTOCOL_VERSION, __version__
from edgeproof_agent.machine.probe import probe
from edgeproof_agent.store.apps import remove_app, switch
from edgeproof_agent.store.bundles import check_stored_bundle
from edgeproof_agent.store.inventory import inventory
from edgeproof_agent.store.lease import Lease, LeaseTakenError
from edgeproof_agent.store.objects import (
    STORE_FOLDER,
    Kind,
    Store,
    StoreError,
    checked_digest,
    trouble_kind,
)
from edgeproof_agent.store.upload_operations import UploadOperations, check_given_signature, wait_seconds
from edgeproof_agent.store.usage_locks import hold
from edgeproof_agent.wire.answering import Exchange, Operation, Reply, RequestError, check_protocol, serve
from edgeproof_agent.wire.fields import Fields
from edgeproof_agent.wire.link import HostSilentError, take_standard_streams

HOST_SILENCE_SECONDS = 60.0
"""A host that holds the lock and says nothing for so long is gone: its TCP connection may never tell."""
HOST_SILENT_STATUS = 6
_MAX_DIGESTS = 1000


class StoreOperations:
    """The store behind the protocol. Only the standard library is used: it runs before anything is installed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uploads = UploadOperations(store)
        self._lease = Lease(store.root)

    @property
    def must_hear_of_host(self) -> bool:
        """Whether others wait for what this host has."""
        return self._store.is_locked or self._lease.is_held

    def table(self) -> dict[str, Operation]:
        operations = {
            **self._uploads.table(),
            "hello": self.hello,
            "ping": self.ping,
            "inventory": self.inventory,
            "status": self.status,
            "examine": self.examine,
            "cameras": self.cameras,
            "try": self.try_store,
            "verify": self.verify,
            "switch": self.switch,
            "prune": self.prune,
            "lease": self.lease,
            "release": self.release,
            "remove_app": self.remove_app,
            "require_signatures": self.require_signatures,
            "service": self.service,
        }
        return {name: _in_our_words(operation) for name, operation in operations.items()}

    def hello(self, exchange: Exchange) -> Reply:
        check_protocol(exchange)
        return {
            "protocol": PROTOCOL_VERSION,
            "agent": __version__,
            "root": str(self._store.root),
            "facts": probe(home=self._store.place),
            **self._inventory(),
        }, b""

    def ping(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        """A host's sign of life while it works on something else."""
        return {}, b""

    def inventory(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        return self._inventory(), b""

    def status(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        from edgeproof_agent.store.status import status

        return status(self._store), b""

    def examine(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        """What the board's doctor asks for, as raw texts, and when this was asked and answered by the board's clock."""
        received_ns = time.time_ns()
        from edgeproof_agent.machine.examination import examine

        found = examine(self._store.root)
        return {**found, "received_ns": received_ns, "answered_ns": time.time_ns()}, b""

    def cameras(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        """The capture devices of this board, and the cameras of libcamera."""
        from edgeproof_agent.machine.cameras import list_cameras
        from edgeproof_agent.machine.libcamera import list_libcamera

        return {**list_cameras(), "libcamera": list_libcamera()}, b""

    def try_store(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        """What would keep the board from taking or running something, tried on its file system. Nothing stays."""
        from edgeproof_agent.store.trial import as_reply, try_store

        return as_reply(try_store(self._store.root, modules=True)), b""

    def verify(self, exchange: Exchange) -> Reply:
        """Hashes a stored bundle anew."""
        digest = exchange.fields.text("digest")
        try:
            check_stored_bundle(self._store, digest)
        except StoreError as error:
            if error.kind != "damaged":
                raise
            return {"whole": False}, b""
        hold(self._store.path(Kind.BUNDLE, digest))  # until the session ends: a switch may follow
        return {"whole": True}, b""

    def switch(self, exchange: Exchange) -> Reply:
        """Points an app at a bundle, after hashing it anew: it may have changed since it was stored or verified."""
        fields = exchange.fields
        app, digest = fields.text("app"), fields.text("digest")
        with self._locked(fields):
            manifest = check_stored_bundle(self._store, digest)
            check_given_signature(self._store, digest, manifest, fields)
            return {"before": switch(self._store, app, digest)}, b""

    def prune(self, exchange: Exchange) -> Reply:
        """Drops what nothing points to, of the kinds in `wanted` but for the digests that it names.

        Agents and runtimes that other hosts need stay, unless they are to be forgotten (`all_hosts`). The previous
        bundles of the apps in `let_go` go as well.
        """
        from edgeproof_agent.store.prune import prune

        fields = exchange.fields
        asked = fields.nested("wanted")
        wanted = {
            kind: {checked_digest(str(item)) for item in asked.items(kind.value, _MAX_DIGESTS)}
            for kind in Kind
            if kind.value in asked
        }
        apps = [str(app) for app in fields.items("let_go", _MAX_DIGESTS)] if "let_go" in fields else []
        dry_run = fields.flag("dry_run", default=False)
        with self._locked(fields):
            self._store.sweep()
            others = self._needed_by_others(
                fields.text("host", default=""), wanted, fields.flag("all_hosts", default=False), dry_run
            )
            wanted = {kind: digests | others.get(kind, set()) for kind, digests in wanted.items()}
            unwanted = prune(self._store, wanted, dry_run, apps)
        return {"unwanted": [item._asdict() for item in unwanted]}, b""

    def _needed_by_others(
        self, host: str, wanted: Mapping[Kind, Collection[str]], all_hosts: bool, dry_run: bool
    ) -> Mapping[Kind, set[str]]:
        """What other hosts need; what this one needs is noted for them. A dry run changes nothing."""
        from edgeproof_agent.store.hosts import forget_others, remember, wanted_by_others

        if host and not dry_run:
            remember(self._store, host, wanted)
            if all_hosts:
                forget_others(self._store, host)
        return {} if all_hosts else wanted_by_others(self._store, host)

    def remove_app(self, exchange: Exchange) -> Reply:
        """Takes an app away that no service runs; its bundles stay until `prune`."""
        from edgeproof_agent.store.services.description import service_names

        app = exchange.fields.text("app")
        with self._locked(exchange.fields):
            if app in service_names(self._store):
                raise StoreError("served", f"a service runs the app {app}")
            remove_app(self._store, app)
        return {}, b""

    def require_signatures(self, exchange: Exchange) -> Reply:
        """From now on only bundles signed by one of the `keys` are stored or switched to."""
        from edgeproof_agent.store.signatures import MAX_KEYS, require_signatures

        keys = exchange.fields.items("keys", MAX_KEYS)
        with self._locked(exchange.fields):
            require_signatures(self._store, [str(key) for key in keys])
        return {}, b""

    def lease(self, exchange: Exchange) -> Reply:
        """The board to this host alone, for measuring, until it is released or the session ends. `owner`, `purpose` and
        `seconds` are what others are told."""
        fields = exchange.fields
        owner, purpose = fields.text("owner", max_length=200), fields.text("purpose", max_length=200)
        try:
            token = self._lease.take(owner, purpose, fields.number("seconds", low=0, high=1e9))
        except LeaseTakenError as error:
            raise RequestError("busy", str(error)) from None
        return {"token": token}, b""

    def release(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        self._lease.release()
        return {}, b""

    def service(self, exchange: Exchange) -> Reply:
        """One of the operations on services: see `edgeproof_agent.store.services.operations`."""
        from edgeproof_agent.store.services import operations

        fields = exchange.fields
        action = fields.choice("do", ("install", "control", "status", "pull", "logs", "remove"))
        if action == "install":
            with self._locked(fields):
                return operations.install(self._store, exchange)
        return {
            "control": operations.control,
            "status": operations.status,
            "pull": operations.pull,
            "logs": operations.logs,
            "remove": operations.remove,
        }[action](self._store, fields)

    def _inventory(self) -> dict[str, Any]:
        signers = None
        if self._store.has_policy():
            from edgeproof_agent.store.signatures import allowed_keys

            signers = allowed_keys(self._store)
        return {**inventory(self._store), "signers": signers}

    @contextlib.contextmanager
    def _locked(self, fields: Fields) -> Iterator[None]:
        """Holds the lock for one change, unless an upload of this session has it."""
        had_lock = self._store.is_locked
        self._store.lock(wait_seconds(fields))
        try:
            yield
        finally:
            if not had_lock:
                self._store.unlock()


def main() -> int:
    """Serves the store in the folder that the first argument names, else in the login user's home folder."""
    folder = sys.argv[1] if sys.argv[1:] else "~"
    store = Store(Path(folder).expanduser() / STORE_FOLDER)
    # Of a push that is cut, what has arrived is kept: the next one goes on from there.
    operations = StoreOperations(store)
    link = take_standard_streams(
        lambda: HOST_SILENCE_SECONDS if operations.must_hear_of_host else None, heeds_last_words=True
    )
    try:
        return serve(link, operations.table())
    except HostSilentError as error:
        sys.stderr.write(f"edgeproof store: {error}\n")
        return HOST_SILENT_STATUS


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


if __name__ == "__main__":
    sys.exit(main())
