"""Whatever goes wrong at whatever moment, a board serves a whole bundle, and the next push succeeds.

Each job is run once without trouble to count its operations; then once for some of them and each fault, with
`--thorough` for each of them, on a fresh copy of the same board. Processes, pipes and files are real; the commands'
processes are forks, which makes thousands of points affordable. `tests/ssh/test_killed_anywhere.py` does some of it
over OpenSSH.
"""

import contextlib
import itertools
import os
import queue
import shutil
import traceback
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeproof.board.link import conversation
from edgeproof.errors import EdgeproofError
from tests.faults.file_faults import FILE_FAULTS
from tests.faults.forked_transport import ForkingBoard
from tests.faults.template_board import (
    APP,
    Job,
    copy_home,
    go_back,
    make_bare,
    make_bundles,
    make_interrupted,
    make_serving,
    make_signed,
    prune,
    push,
)
from tests.support.faulty_transport import TRANSPORT_FAULTS, FaultyTransport, Strike
from tests.support.whole_bundles import served_digest

WORKERS = max(2, os.cpu_count() or 1)
KILLS = ("kill store service", "kill agent")
FAULTS = (*TRANSPORT_FAULTS, *KILLS, *FILE_FAULTS)
SAMPLED_POINTS = 10
"""Of each job and fault, where not all are asked for."""
JOBS = ("push", "push of few changes", "push after a cut", "signed push", "rollback", "prune")
# The first push brings the agent's many small files: the same few operations again and again.
POINTS = [*itertools.product(JOBS, FAULTS), ("first push", "cut halfway"), ("first push", "kill before")]


@dataclass(frozen=True)
class Case:
    job: Job
    template: Path
    before: str | None
    """The digest of what the board serves before the job; None when that is nothing."""
    after: str
    push_new: Job
    """What has to succeed after a fault."""
    new: str


@dataclass(frozen=True)
class Scene:
    boards: "queue.SimpleQueue[ForkingBoard]"
    cases: dict[str, Case]
    folder: Path
    names: Iterator[int] = field(default_factory=itertools.count)

    @contextlib.contextmanager
    def board(self, template: Path) -> Iterator[tuple[ForkingBoard, Path]]:
        """A board that nobody else uses now, and a fresh copy of a home."""
        board, home = self.boards.get(), self.folder / f"home-{next(self.names)}"
        try:
            copy_home(template, home)
            yield board, home
        finally:
            shutil.rmtree(home, ignore_errors=True)
            self.boards.put(board)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, tiny_bundles: dict[str, Path]) -> Iterator[Scene]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed (apt-get install openssh-client): no faults were injected")
    folder = tmp_path_factory.mktemp("faults")
    bundles, key = make_bundles(tiny_bundles, folder), Ed25519PrivateKey.generate()
    bare, serving, interrupted, signed = (folder / name for name in ("bare", "serving", "interrupted", "signed"))
    with contextlib.ExitStack() as stack:
        # Where the connection fails but stays, the host waits so long for a service that does not know of it.
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(conversation, "_LAST_WORDS_SECONDS", 0.2)
        boards: queue.SimpleQueue[ForkingBoard] = queue.SimpleQueue()
        first, *others = [stack.enter_context(ForkingBoard()) for _ in range(WORKERS)]
        make_bare(first, bare)
        make_serving(first, bundles, bare, serving)
        make_interrupted(first, bundles, serving, interrupted)
        make_signed(first, bundles, key, bare, signed)
        for board in (first, *others):
            boards.put(board)
        served, new, tuned, older = (
            bundle.digest for bundle in (bundles.served, bundles.new, bundles.tuned, bundles.older)
        )
        plain, with_key = push(bundles.new), push(bundles.new, key)
        cases = {
            "first push": Case(plain, bare, None, new, plain, new),
            "push": Case(plain, serving, served, new, plain, new),
            "push of few changes": Case(push(bundles.tuned), serving, served, tuned, plain, new),
            "push after a cut": Case(plain, interrupted, served, new, plain, new),
            "signed push": Case(with_key, signed, served, new, with_key, new),
            "rollback": Case(go_back, serving, served, older, plain, new),
            "prune": Case(prune, interrupted, served, served, plain, new),
        }
        yield Scene(boards, cases, folder)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "fault"), POINTS)
def test_the_board_serves_a_whole_bundle_and_the_next_push_succeeds(
    scene: Scene, name: str, fault: str, thorough: bool, record_property: Callable[[str, object], None]
) -> None:
    case = scene.cases[name]
    operations, calls = _count(scene, case)
    count = calls if fault in FILE_FAULTS else operations
    points = range(1, count + 1) if thorough else _sample(name, fault, count)
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(lambda at: _strike(scene, case, fault, at), points))
    troubles = [f"{fault} at {at}: {trouble}" for at, trouble in zip(points, outcomes, strict=True) if trouble]
    assert not troubles, "\n".join(troubles[:20])
    struck = sum(trouble is not None for trouble in outcomes)
    assert struck >= 3 or (fault == "kill agent" and name == "prune"), "the job has hardly any operation to strike"
    record_property("fault_points", struck)


def _sample(name: str, fault: str, count: int) -> range:
    """Points at even distances, in each job and fault others, so that together they lie close."""
    distance = max(1, count // SAMPLED_POINTS)
    return range(1 + zlib.crc32(f"{name} {fault}".encode()) % distance, count + 1, distance)


def _count(scene: Scene, case: Case) -> tuple[int, int]:
    """Operations of the transport, and calls of the store service that change files, when nothing goes wrong."""
    strike = Strike()
    with scene.board(case.template) as (board, home):
        connection = board.connect(home, watched=True)
        with FaultyTransport(connection, strike) as transport:
            case.job(transport)
        assert served_digest(home, APP) == case.after
        return strike.operations, connection.changing_calls


def _strike(scene: Scene, case: Case, fault: str, at: int) -> str | None:
    """What is wrong after a fault; empty when the board is well; None when the job was over before the fault."""
    with scene.board(case.template) as (board, home):
        try:
            done, struck = _do(case.job, board, home, fault, at)
            served = served_digest(home, APP)
            if served not in ((case.after,) if done else (case.before, case.after)):
                return f"{served} is served; the job {'succeeded' if done else 'failed'}"
            with board.connect(home) as transport:
                case.push_new(transport)
            if served_digest(home, APP) != case.new:
                return "the next push did not switch"
        except Exception as error:  # noqa: BLE001  # an assertion too: told with the point at which it happened
            return "".join(traceback.format_exception(error)[-3:])
        return "" if struck else None


def _do(job: Job, board: ForkingBoard, home: Path, fault: str, at: int) -> tuple[bool, bool]:
    """(whether the job succeeded all the same, whether the fault struck). Only errors in our own words are allowed."""
    if fault in FILE_FAULTS:
        connection, strike = board.connect(home, {"kind": fault, "at": at}), Strike()
    else:
        connection = board.connect(home)
        strike = Strike(fault, at, lambda: connection.kill(fault.removeprefix("kill ")))
    try:
        with FaultyTransport(connection, strike) as transport:
            job(transport)
        done = True
    except EdgeproofError:
        done = False
    return done, connection.changing_calls >= at if fault in FILE_FAULTS else strike.struck
