"""Emulated ARM boards without internet, provisioned from here; and this machine as the reference to compare with."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.virtual_board.board import VirtualBoard
from deploy.virtual_board.recipe import SUITES
from edgeproof.board.deploy import open_session, send_bundle
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.board.provision import provision
from edgeproof.board.store.client import open_store
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.record.detections import PictureResult
from edgeproof.sample.pedestrian import Sample, fetch_pedestrian
from edgeproof.wording.progress import Progress, ProgressKind
from edgeproof_agent.store.objects import Kind
from tests.support.boards.emulated import VARIANTS, Command, ReadyBoard, require_emulator
from tests.support.places import BUILT

SMALL_MIB = 512
"""As much as a Raspberry Pi Zero 2 has; one of the boards has no more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting and provisioning an emulated board counts as part of the first test on it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


# Bookworm on 64 bits lies between the other two, in its Python, NumPy and OpenCV.
_SUITES = ["trixie", "bookworm-armhf-opencv", pytest.param("bookworm", marks=pytest.mark.thorough)]


@pytest.fixture(scope="session", params=_SUITES)
def virtual(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    """A running board as it comes from the distributor: nothing of ours is on it. One at a time."""
    suite = SUITES[request.param]
    require_emulator(suite)
    board = VirtualBoard(tmp_path_factory.mktemp(suite.name), suite)
    board.start(memory_mib=SMALL_MIB if suite.name == "trixie" else 1024, bound=True)
    try:
        yield board
    finally:
        board.stop()


@pytest.fixture(scope="session")
def board(virtual: VirtualBoard) -> ReadyBoard:
    """The same board, provisioned from here."""
    events: list[Progress] = []
    with open_board(virtual.profile) as opened:
        (runtime,) = provision(opened, progress=events.append)
    return ReadyBoard(virtual, runtime, tuple(event.text for event in events if event.kind is ProgressKind.NOTE))


@pytest.fixture(scope="session")
def sample() -> Sample:
    return fetch_pedestrian(BUILT / "pedestrian" / "sample")


@pytest.fixture(scope="session")
def bundles(sample: Sample) -> dict[str, Bundle]:
    """A real SSDLite MobileNetV2, exported by the command; a second run of the tests finds it up to date."""
    out = BUILT / "pedestrian" / "bundles"
    command = [sys.executable, "-m", "edgeproof", "export", sample.model, "--labels", sample.labels]
    command += ["--images", sample.calibration, "--name", "pedestrian", "--out", out]
    command += [word for variant in VARIANTS for word in ("--variant", variant)]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=os.environ.copy())
    assert done.returncode == 0, done.stderr
    return {variant: open_bundle(out / variant) for variant in VARIANTS}


@pytest.fixture(scope="session")
def reference(bundles: dict[str, Bundle], sample: Sample) -> dict[str, list[PictureResult]]:
    """By variant, what the agent finds on the photos when this machine runs it."""
    home = BUILT / "boards" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    home.mkdir(parents=True, exist_ok=True)
    with LocalTransport("reference", home) as transport, open_store(transport, sys.executable) as store:
        provision(OpenBoard(transport, store), ["ai-edge-litert"])
        found = {}
        for variant, bundle in bundles.items():
            digest = send_bundle(store, bundle).digest
            with open_session(OpenBoard(transport, store), "ai-edge-litert") as session:
                session.load(store.path(Kind.BUNDLE, digest))
                found[variant] = list(session.detect((photo.name, photo.read_bytes()) for photo in sample.photos))
    return found


@pytest.fixture
def edgeproof(virtual: VirtualBoard, tmp_path: Path) -> Command:
    """Runs the command line as a user would, with the configuration that the virtual board writes for it."""
    config = tmp_path / "edgeproof.toml"
    config.write_text(virtual.configuration())

    def run(*arguments: object) -> str:
        command = [sys.executable, "-m", "edgeproof", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
