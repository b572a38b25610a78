"""Puts a bundle on a board: sends what is missing, checks its health there, and only then switches the app to it."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeproof.board.agent.start import StartingAgent, agent_command
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.chunks import cut_files
from edgeproof.board.store.client import BoardStore
from edgeproof.board.store.inventory import StoredRuntime
from edgeproof.board.store.local_objects import LocalObject, SentObject, describe_file
from edgeproof.bundle import Bundle
from edgeproof.errors import (
    AgentDiedError,
    AgentRefusedError,
    DeadlineError,
    DeploymentError,
    NoRuntimeError,
    ProtocolError,
    UsageError,
)
from edgeproof.wording.progress import Progress, ProgressListener, silent
from edgeproof_agent.bundle.manifest import MANIFEST_FILE
from edgeproof_agent.store.objects import APP_NAME, Kind, StoredFile, listing_digest

if TYPE_CHECKING:
    from edgeproof.board.agent.session import AgentSession


@dataclass(frozen=True)
class Deployment:
    """The outcome of a push."""

    app: str
    sent: SentObject
    before: str | None
    """The digest that the app pointed at before; None when it is new."""

    @property
    def changed(self) -> bool:
        return self.before != self.sent.digest


@dataclass(frozen=True)
class Rollback:
    """The outcome of a rollback."""

    app: str
    digest: str
    before: str | None
    """The digest that the app pointed at before; None when that bundle was gone."""


def push_bundle(
    board: OpenBoard,
    bundle: Bundle,
    app: str,
    runtime: str | None = None,
    progress: ProgressListener = silent,
    signature: str | None = None,
) -> Deployment:
    """Sends a bundle, loads and runs it once on the board, and points `app` at it.

    A bundle that the app points at already has run; it runs again only when a `runtime` is named. What is damaged on
    the board is replaced. `signature` is that of the bundle's manifest: see `edgeproof.board.store.signing`. Raises
    `DeploymentError` when the bundle cannot be stored, is refused or does not run there; the app then stays as it was.
    """
    if not APP_NAME.fullmatch(app):
        raise UsageError(
            f"{app!r} is not a name for an app: letters, digits, dot, dash and underscore, 64 at most. "
            "Name one with --app."
        )
    store = board.store
    chosen = choose_runtime(board, runtime)  # ahead of a transfer that would be for nothing
    current = store.inventory.apps.get(app)
    served = current is not None and current.current == bundle.digest and runtime is None
    with contextlib.ExitStack() as stack:
        agent = None if served else stack.enter_context(start_agent(board, chosen))  # while the bundle travels
        sent = send_bundle(store, bundle, progress, signature)
        if served and not sent.payload_bytes:
            if signature is not None:
                store.switch(app, bundle.digest, signature)
            return Deployment(app, sent, bundle.digest)
        if not sent.payload_bytes and not store.verify(bundle.digest):
            sent = send_bundle(store, bundle, progress, signature, anew=True)
        _check_health(board, agent or start_agent(board, chosen), bundle.digest, app, progress)
    return Deployment(app, sent, store.switch(app, bundle.digest, signature))


def roll_back(
    board: OpenBoard,
    app: str,
    runtime: str | None = None,
    progress: ProgressListener = silent,
) -> Rollback:
    """Points `app` at its previous bundle again, after running it once; the current one becomes the previous.

    So a second rollback goes forward again. Raises `UsageError` when there is no previous bundle, `DeploymentError`
    when it does not run or has changed on the board; the app then stays as it was.
    """
    store = board.store
    state = store.inventory.apps[app]
    previous = state.previous
    if previous is None or previous == state.current:
        raise UsageError(f"{app} on {board.name} has no previous bundle to go back to.")
    with start_agent(board, choose_runtime(board, runtime)) as agent:
        if not store.verify(previous):
            raise DeploymentError(
                f"bundle {previous[:12]} has changed on {board.name} since it was stored, so {app} stays as it was. "
                "Push that bundle again, which replaces it."
            )
        _check_health(board, agent, previous, app, progress)
    return Rollback(app, previous, store.switch(app, previous))


def _check_health(
    board: OpenBoard,
    agent: StartingAgent,
    digest: str,
    app: str,
    progress: ProgressListener,
) -> None:
    """Loads a stored bundle and runs it. Raises `DeploymentError` with the reason when that fails."""
    progress(Progress(f"checking {app} on the board"))
    try:
        with agent.loading() as loading:
            loading.load(board.store.path(Kind.BUNDLE, digest))
    except (AgentDiedError, AgentRefusedError, DeadlineError, ProtocolError) as error:
        raise DeploymentError(
            f"bundle {digest[:12]} does not run on {board.name}, so {app} stays as it was.\n{error}"
        ) from error


def cut_bundle(bundle: Bundle) -> None:
    """Does ahead what `send_bundle` would begin with, for who has to wait for the board anyway."""
    cut_files(_files_of(bundle))


def _files_of(bundle: Bundle) -> dict[str, Path]:
    return {name: bundle.path / name for name in (MANIFEST_FILE, *bundle.manifest.files)}


def send_bundle(
    store: BoardStore,
    bundle: Bundle,
    progress: ProgressListener = silent,
    signature: str | None = None,
    anew: bool = False,
) -> SentObject:
    """Puts a bundle into the board's store without switching anything; `anew` replaces one that is there."""
    label = f"{bundle.manifest.name} {bundle.manifest.variant}"
    paths = _files_of(bundle)
    # The other files were hashed when the bundle was opened, and are hashed again on the board.
    files = {StoredFile(MANIFEST_FILE, paths[MANIFEST_FILE].stat().st_size, bundle.digest): paths[MANIFEST_FILE]}
    for name, entry in bundle.manifest.files.items():
        files[StoredFile(name, entry.size_bytes, entry.sha256)] = paths[name]
    return store.send(LocalObject(Kind.BUNDLE, bundle.digest, files), label, progress, signature=signature, anew=anew)


def send_media(store: BoardStore, path: Path, progress: ProgressListener = silent) -> str:
    """Puts a file (a video that stands in for a camera) into the store; returns its path on the board."""
    file = describe_file(path.name, path)
    item = LocalObject(Kind.MEDIA, listing_digest([file]), {file: path})
    store.send(item, path.name, progress)
    return f"{store.path(Kind.MEDIA, item.digest)}/{path.name}"


def choose_runtime(board: OpenBoard, name: str | None = None) -> StoredRuntime:
    """The named runtime of a board, else the one that it is to use, else the first that it has of those that fit.

    Raises `NoRuntimeError`.
    """
    store, name = board.store, name or board.runtime
    by_digest = {runtime.digest: runtime for runtime in store.inventory.runtimes}
    usable = [
        by_digest[digest]
        for digest in (r.digest(store.facts) for r in fitting_releases(store.facts))
        if digest in by_digest
    ]
    for runtime in usable:
        if name in (None, runtime.name):
            return runtime
    has = " and ".join(f"{runtime.name} {runtime.version}" for runtime in usable) or "no runtime"
    option = f" --runtime {name}" if name else ""
    raise NoRuntimeError(
        f"{board.name} has {has} of this version of edgeproof. Run: edgeproof provision {board.name}{option}"
    )


def open_session(board: OpenBoard, runtime: str | None = None) -> "AgentSession":
    """A session with the agent under the named runtime, or the preferred one."""
    return start_agent(board, choose_runtime(board, runtime)).session()


def start_agent(board: OpenBoard, runtime: StoredRuntime) -> StartingAgent:
    """Starts the agent, sending it first if the board lacks it."""
    store = board.store
    agent = agent_object()
    if agent.digest not in store.inventory.agents:
        store.send(agent, "the agent")
    return StartingAgent(board.transport, agent_command(store, agent.digest, runtime.path, runtime.name))


def current_bundle(board: OpenBoard, app: str | None) -> tuple[str, str]:
    """(app, digest) of what a board serves: of the named app, or of its only one. Raises `UsageError`."""
    apps = {name: state.current for name, state in board.store.inventory.apps.items() if state.current}
    if app is None and len(apps) == 1:
        app = next(iter(apps))
    if app is None or app not in apps:
        has = f"it has {', '.join(sorted(apps))}" if apps else "it has none yet"
        trouble = (
            f"{board.name} has several apps"
            if app is None and apps
            else f"{board.name} has no app {app or ''}".rstrip()
        )
        raise UsageError(f"{trouble}: {has}. Name one with --app, or push a bundle: edgeproof push {board.name} BUNDLE")
    digest = apps[app]
    assert digest is not None
    return app, digest


def bundle_to_run(board: OpenBoard, app: str | None, bundle: Bundle | None, progress: ProgressListener = silent) -> str:
    """The digest of the user's own bundle, sent if the board lacks it, or of what the app points at.

    Raises `UsageError`.
    """
    return current_bundle(board, app)[1] if bundle is None else send_bundle(board.store, bundle, progress).digest
