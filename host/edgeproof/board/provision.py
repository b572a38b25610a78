"""Makes a board ready: the agent, and a runtime that has been proven by running an interpreter."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edgeproof.board.agent import agent_command, agent_object
from edgeproof.board.runtimes import RuntimeRelease, choose_releases
from edgeproof.board.session import start_session
from edgeproof.board.store import BoardStore, LocalObject, describe_file
from edgeproof.board.transport import Transport
from edgeproof.board.wheels import fetch_wheels, unpacked_bytes
from edgeproof.errors import AgentDiedError, AgentRefusedError, DeploymentError, ProvisionError
from edgeproof.progress import Progress, ProgressListener, silent
from edgeproof_agent.runtime_build import LOCK_FILE, WHEELS_FOLDER
from edgeproof_agent.store import Kind

_BUILD_SECONDS = 1800.0


@dataclass(frozen=True)
class ProvisionedRuntime:
    name: str
    version: str
    digest: str
    payload_bytes: int
    """What travelled to the board; 0 when the runtime was there already."""


def provision(
    transport: Transport,
    store: BoardStore,
    names: Sequence[str] = (),
    progress: ProgressListener = silent,
) -> list[ProvisionedRuntime]:
    """Sets up the named runtimes, or the one that fits best when none is named; what is there already stays.

    Raises `NoRuntimeError` when none fits, `ProvisionError` when one cannot be built or does not work.
    """
    releases = choose_releases(store.facts, transport.name, names)
    agent = agent_object()
    if agent.digest not in store.inventory.agents:
        store.send(agent, "the agent", progress)
    provisioned = [_provision(transport, store, agent.digest, release, progress) for release in releases]
    store.refresh()
    return provisioned


def _provision(
    transport: Transport,
    store: BoardStore,
    agent_digest: str,
    release: RuntimeRelease,
    progress: ProgressListener,
) -> ProvisionedRuntime:
    digest, label = release.digest(store.facts), f"{release.name} {release.version}"
    if any(runtime.digest == digest for runtime in store.inventory.runtimes):
        return ProvisionedRuntime(release.name, release.version, digest, payload_bytes=0)
    progress(Progress(f"fetching the wheels of {label} for {store.facts.arch}"))
    wheels = fetch_wheels(release, store.facts, progress)
    lock = Path(str(resources.files("edgeproof.board"))) / f"locks/{release.name}-{release.version}.lock"
    files = {describe_file(f"{WHEELS_FOLDER}/{wheel.name}", wheel): wheel for wheel in wheels}
    item = LocalObject(Kind.RUNTIME, digest, {**files, describe_file(LOCK_FILE, lock): lock})
    sent = store.send(item, label, progress, extra_bytes=unpacked_bytes(wheels))
    progress(Progress(f"building {label} on the board"))
    try:
        path = store.build_runtime(digest, release.name, release.version, _BUILD_SECONDS)
    except DeploymentError as error:
        raise ProvisionError(str(error)) from error
    progress(Progress(f"proving {label} by running an interpreter"))
    _prove(transport, store, agent_digest, release, path)
    store.publish_runtime(digest)
    return ProvisionedRuntime(release.name, release.version, digest, sent.payload_bytes)


def _prove(
    transport: Transport, store: BoardStore, agent_digest: str, release: RuntimeRelease, runtime_path: str
) -> None:
    """An import proves little: an interpreter is built and run before the runtime counts."""
    model = (resources.files("edgeproof.board") / "proof.tflite").read_bytes()
    try:
        with start_session(transport, agent_command(store, agent_digest, runtime_path, release.name)) as session:
            session.prove(model)
    except (AgentDiedError, AgentRefusedError) as error:
        raise ProvisionError(
            f"{release.name} {release.version} was installed on {transport.name} but does not work there, so it is not "
            f"used.\n{error}"
        ) from error
