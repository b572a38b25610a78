"""Makes a board ready: the agent, and a runtime that has been proven by running an interpreter."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.board.agent.start import StartingAgent, agent_command
from edgeproof.board.link.transport import Transport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.prune import drop_old_runtimes
from edgeproof.board.runtime.footprint import Footprint
from edgeproof.board.runtime.proof import proof_model
from edgeproof.board.runtime.releases import RuntimeRelease, choose_releases, require_distribution_packages
from edgeproof.board.runtime.wheels import fetch_wheels
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.client import BoardStore
from edgeproof.board.store.local_objects import LocalObject, describe_file
from edgeproof.errors import AgentDiedError, AgentRefusedError, DeploymentError, ProvisionError
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof_agent.store.objects import Kind
from edgeproof_agent.store.runtime_build import LOCK_FILE, WHEELS_FOLDER

_BUILD_SECONDS = 1800.0


@dataclass(frozen=True)
class ProvisionedRuntime:
    name: str
    version: str
    digest: str
    payload_bytes: int
    """What travelled to the board."""
    built: bool
    """False when the runtime was there already."""


def provision(
    board: OpenBoard,
    names: Sequence[str] = (),
    progress: ProgressListener = silent,
) -> list[ProvisionedRuntime]:
    """Sets up the named runtimes, or the one that fits best when none is named; what is there already stays.

    What it will take of the board is told as a note before anything is sent. A transfer that was cut goes on where it
    ended. Runtimes of other versions of edgeproof are dropped at the end, unless something runs from them or another
    machine needs them.

    Raises `NoRuntimeError` when none fits, `ProvisionError` when one cannot be built or does not work.
    """
    store = board.store
    store.try_store().require(board.name)
    releases = choose_releases(store.facts, board.name, names)
    for release in releases:
        require_distribution_packages(release, store.facts, board.name)
    provisioned = [_provision(board.transport, store, release, progress) for release in releases]
    store.send(agent_object(), "the agent", progress)  # where the runtime was there, the agent may be an older one
    _drop_old_runtimes(store, progress)
    store.refresh()
    return provisioned


def _drop_old_runtimes(store: BoardStore, progress: ProgressListener) -> None:
    try:
        unwanted = drop_old_runtimes(store)
    except DeploymentError as error:  # the new one is ready all the same
        progress(Progress(f"old runtimes stay for now: {error}", ProgressKind.WARNING))
        return
    for dropped in unwanted:
        if dropped.kind == Kind.RUNTIME.value and not dropped.in_use:
            text = f"dropped a runtime of another version of edgeproof, {dropped.disk_bytes / (1 << 20):.0f} MiB"
            progress(Progress(text, ProgressKind.NOTE))


def _provision(
    transport: Transport, store: BoardStore, release: RuntimeRelease, progress: ProgressListener
) -> ProvisionedRuntime:
    digest, label = release.digest(store.facts), f"{release.name} {release.version}"
    if any(runtime.digest == digest for runtime in store.inventory.runtimes):
        return ProvisionedRuntime(release.name, release.version, digest, payload_bytes=0, built=False)
    progress(Progress(f"fetching the wheels of {label} for {store.facts.arch}"))
    wheels = fetch_wheels(release, store.facts, progress)
    footprint = Footprint.of(wheels, release.memory_mib)
    progress(Progress(footprint.describe(label, transport.name, store.facts), ProgressKind.NOTE))
    footprint.require_room(label, transport.name, store.facts)
    if footprint.is_short_of_memory(store.facts):
        progress(Progress(f"{transport.name} is short of memory: it may swap, or end the agent", ProgressKind.WARNING))
    files = {describe_file(f"{WHEELS_FOLDER}/{wheel.name}", wheel): wheel for wheel in wheels}
    item = LocalObject(Kind.RUNTIME, digest, {**files, describe_file(LOCK_FILE, release.lock_path): release.lock_path})
    agent = store.send(agent_object(), "the agent", progress)
    # Of the wheels a part may be there; the board, which knows, compares the rest with what is free.
    sent = store.send(item, label, progress, extra_bytes=footprint.disk_bytes)
    progress(Progress(f"building {label} on the board"))
    try:
        path = store.build_runtime(digest, release.name, release.version, _BUILD_SECONDS)
    except DeploymentError as error:
        raise ProvisionError(str(error)) from error
    progress(Progress(f"proving {label} by running an interpreter"))
    _prove(transport, store, agent.digest, release, path)
    store.publish_runtime(digest)
    return ProvisionedRuntime(release.name, release.version, digest, sent.payload_bytes, built=True)


def _prove(
    transport: Transport, store: BoardStore, agent_digest: str, release: RuntimeRelease, runtime_path: str
) -> None:
    """An import proves little: an interpreter is built and run before the runtime counts."""
    model = proof_model()
    command = agent_command(store, agent_digest, runtime_path, release.name, keep_bytecode=True)
    try:
        with store.kept_alive(), StartingAgent(transport, command).loading() as agent:
            agent.prove(model)
    except (AgentDiedError, AgentRefusedError) as error:
        raise ProvisionError(
            f"{release.name} {release.version} was installed on {transport.name} but does not work there, so it is not "
            f"used.\n{error}"
        ) from error
