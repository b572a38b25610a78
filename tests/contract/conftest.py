"""The real agent behind a local pipe, on the oldest and newest Python that it supports and on the one of the tests."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import open_session, send_bundle
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.link.transport import Transport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.provision import provision
from edgeproof.board.store.client import BoardStore, open_store
from edgeproof.bundle import open_bundle
from edgeproof_agent.store.objects import Kind
from tests.support.interpreters import find_python
from tests.support.places import BUILT

BOARDS = BUILT / "boards"
CURRENT = f"{sys.version_info[0]}.{sys.version_info[1]}"
COMBINATIONS = list(dict.fromkeys([("3.9", "tflite-runtime"), (CURRENT, "ai-edge-litert"), ("3.13", "ai-edge-litert")]))


@dataclass(frozen=True)
class LocalBoard:
    """This machine in the part of a board: a home folder of its own, provisioned as any board is."""

    transport: Transport
    store: BoardStore
    runtime: str
    bundles: dict[str, str]
    """Variant of the tiny SSD to its digest in the board's store; `raw-` ahead where the agent suppresses itself."""

    def session(self) -> AgentSession:
        return open_session(self, self.runtime)

    def bundle_path(self, variant: str) -> str:
        return self.store.path(Kind.BUNDLE, self.bundles[variant])


@pytest.fixture(scope="session", params=COMBINATIONS, ids=lambda pair: f"python{pair[0]}-{pair[1]}")
def board(
    request: pytest.FixtureRequest, tiny_bundles: dict[str, Path], tiny_raw_bundles: dict[str, Path]
) -> Iterator[LocalBoard]:
    version, runtime = request.param
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed: the agent was not tested on it")
    home = BOARDS / f"python{version}"
    home.mkdir(parents=True, exist_ok=True)
    with LocalTransport("local", home) as transport, open_store(transport, str(python)) as store:
        provision(OpenBoard(transport, store), [runtime])
        paths = {**tiny_bundles, **{f"raw-{variant}": path for variant, path in tiny_raw_bundles.items()}}
        bundles = {variant: send_bundle(store, open_bundle(path)).digest for variant, path in paths.items()}
        yield LocalBoard(transport, store, runtime, bundles)


@pytest.fixture
def session(board: LocalBoard) -> Iterator[AgentSession]:
    with board.session() as session:
        yield session
