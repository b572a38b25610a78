"""The real agent behind a local pipe, on the oldest and newest Python that it supports and on the one of the tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import send_bundle
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.provision import provision
from edgeproof.board.store.client import open_store
from edgeproof.bundle import open_bundle
from tests.support.boards.local_board import LocalBoard
from tests.support.interpreters import find_python
from tests.support.places import BUILT

BOARDS = BUILT / "boards"
CURRENT = f"{sys.version_info[0]}.{sys.version_info[1]}"
COMBINATIONS = list(dict.fromkeys([("3.9", "tflite-runtime"), (CURRENT, "ai-edge-litert"), ("3.13", "ai-edge-litert")]))


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
        yield LocalBoard(OpenBoard(transport, store, runtime), bundles)


@pytest.fixture
def session(board: LocalBoard) -> Iterator[AgentSession]:
    with board.session() as session:
        yield session
