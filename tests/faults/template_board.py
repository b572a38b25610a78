"""Home folders of boards in several states, and the jobs that are done on their copies."""

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeproof.board import prune as pruning
from edgeproof.board.deploy import push_bundle, roll_back
from edgeproof.board.link.transport import Transport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.client import open_store
from edgeproof.board.store.signing import public_key_text, sign_bundle
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.errors import EdgeproofError
from edgeproof_agent.store.objects import STORE_FOLDER
from tests.faults.forked_transport import ForkingBoard
from tests.support.faulty_transport import FaultyTransport, Strike
from tests.support.whole_bundles import tune

APP = "detector"
RUNTIME = "ai-edge-litert"


@dataclass(frozen=True)
class Bundles:
    older: Bundle
    served: Bundle
    new: Bundle
    """Nothing of it is on the board."""
    tuned: Bundle
    """The served one with a few other weights: most of it is on the board."""


def make_bundles(by_variant: dict[str, Path], folder: Path) -> Bundles:
    served = open_bundle(by_variant["float32"])
    older, new = open_bundle(by_variant["dynamic"]), open_bundle(by_variant["int8"])
    return Bundles(older, served, new, tune(served, folder / "tuned"))


def make_bare(board: ForkingBoard, home: Path) -> None:
    """A board with a runtime and nothing else. It is but named: commands here run where it is imported already."""
    home.mkdir()
    with board.connect(home) as transport, open_store(transport, "python3") as store:
        store.send(agent_object(), "the agent")  # makes the store's folders
        release = next(release for release in fitting_releases(store.facts) if release.name == RUNTIME)
        folder = home / STORE_FOLDER / "runtimes" / release.digest(store.facts)
        folder.mkdir()
        (folder / "runtime.json").write_text(json.dumps({"name": RUNTIME, "version": release.version}))
    for agent in (home / STORE_FOLDER / "agents").iterdir():
        shutil.rmtree(agent)


def make_serving(board: ForkingBoard, bundles: Bundles, bare: Path, home: Path) -> None:
    """A board that serves a bundle and has another one to go back to."""
    copy_home(bare, home)
    for bundle in (bundles.older, bundles.served):
        with board.connect(home) as transport:
            push(bundle)(transport)


def make_signed(board: ForkingBoard, bundles: Bundles, key: Ed25519PrivateKey, bare: Path, home: Path) -> None:
    """The same, and it takes bundles with this key's signature only."""
    copy_home(bare, home)
    with board.connect(home) as transport, open_store(transport, "python3") as store:
        store.require_signatures([public_key_text(key)])
    for bundle in (bundles.older, bundles.served):
        with board.connect(home) as transport:
            push(bundle, key)(transport)


def make_interrupted(board: ForkingBoard, bundles: Bundles, serving: Path, home: Path) -> None:
    """A board that serves a bundle and has a part of another one, from a push that was cut off."""
    for operation in range(1, 100):
        copy_home(serving, home)
        connection = board.connect(home)
        with (
            contextlib.suppress(EdgeproofError),
            FaultyTransport(connection, Strike("cut after", operation)) as transport,
        ):
            push(bundles.new)(transport)
        uploads = home / STORE_FOLDER / "incoming"
        if any(path.stat().st_size for path in uploads.rglob("*.tflite")):
            return
    raise AssertionError("no push left a part of a model behind")


Job = Callable[[Transport], None]


def push(bundle: Bundle, key: Ed25519PrivateKey | None = None) -> Job:
    def job(transport: Transport) -> None:
        with open_store(transport, "python3") as store:
            push_bundle(OpenBoard(transport, store), bundle, APP, signature=sign_bundle(bundle, key) if key else None)

    return job


def go_back(transport: Transport) -> None:
    with open_store(transport, "python3") as store:
        roll_back(OpenBoard(transport, store), APP)


def prune(transport: Transport) -> None:
    with open_store(transport, "python3") as store:
        pruning.prune(store)


def copy_home(template: Path, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(template, home, symlinks=True)
