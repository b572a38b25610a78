"""pytest plugin: a test pushes to a board, measures on it, and wants gates to hold.

    pytest --edgeproof-board pi --edgeproof-bundle bundles/int8

Without a board, tests that need one are skipped, and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from edgeproof.api import Board
    from edgeproof.board.deploy import Deployment
    from edgeproof.record.run import Run

# Nothing of edgeproof is imported until a test asks for a board: pytest loads this file in every project that has
# edgeproof installed.


class Deployed(Protocol):
    def __call__(self, bundle: str | Path | None = None, app: str | None = None) -> Deployment:
        """Pushes a bundle (that of --edgeproof-bundle) and switches `app` (the model's name) to it."""


class Measured(Protocol):
    def __call__(
        self,
        *gates: str,
        bundle: str | Path | None = None,
        pictures: Sequence[str | Path] = (),
        data: str | Path | None = None,
        runs: int | None = None,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """Measures a bundle (that of --edgeproof-bundle) without switching any app, and fails the test unless every
        gate holds: `measured("total p95 < 80 ms", "size < 6 MB")`. `pictures` are for a gate on parity, the
        labelled data set `data` for one on accuracy."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("edgeproof", "edgeproof: tests on an ARM board")
    group.addoption(
        "--edgeproof-board", metavar="BOARD", help="user@host[:port], or the name of a board in edgeproof.toml."
    )
    group.addoption("--edgeproof-bundle", metavar="PATH", help="Bundle that tests push and measure.")
    group.addoption(
        "--edgeproof-allow-inconclusive",
        action="store_true",
        help="Skip a test whose gates are inconclusive; else it fails.",
    )


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    """The board of --edgeproof-board, connected once for all tests, with a runtime."""
    name = request.config.getoption("--edgeproof-board")
    if not name:
        pytest.skip("no board: give --edgeproof-board user@host, or the name of one in edgeproof.toml")
    from edgeproof.api import Board

    with Board(name) as opened:
        opened.provision()
        yield opened


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest, board: Board) -> Deployed:
    """See `Deployed`."""

    def deploy(bundle: str | Path | None = None, app: str | None = None) -> Deployment:
        return board.push(_bundle(request, bundle), app)

    return deploy


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest, board: Board) -> Measured:
    """See `Measured`."""

    def measure(
        *gates: str,
        bundle: str | Path | None = None,
        pictures: Sequence[str | Path] = (),
        data: str | Path | None = None,
        runs: int | None = None,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        chosen = _bundle(request, bundle)
        run = board.check(chosen, gates, pictures=pictures, data=data, runs=runs, threads=threads, runtime=runtime)
        require_gates(run, request.config.getoption("--edgeproof-allow-inconclusive"))
        return run

    return measure


def require_gates(run: Run, allow_inconclusive: bool = False) -> None:
    """Fails the running test, with a line a gate, unless every one holds. With `allow_inconclusive`, one that cannot
    be answered skips it. A run that ended early fails it, too."""
    from edgeproof.record.verdict.claims import Answer
    from edgeproof.report.text.verdict import claim_line

    if run.error is not None:
        pytest.fail(f"the run ended early: {run.error}", pytrace=False)
    lines = [f"{claim.answer.value}: {claim_line(claim)}{_note(claim.note)}" for claim in run.claims]
    answers = {claim.answer for claim in run.claims}
    if Answer.FAIL not in answers and Answer.INCONCLUSIVE in answers and allow_inconclusive:
        pytest.skip("; ".join(lines))
    if answers - {Answer.PASS}:
        pytest.fail("\n".join(lines), pytrace=False)


def _note(note: str | None) -> str:
    return "" if note is None else f" ({note})"


def _bundle(request: pytest.FixtureRequest, bundle: str | Path | None) -> str | Path:
    chosen: str | Path | None = bundle or request.config.getoption("--edgeproof-bundle")
    if chosen is None:
        pytest.fail("no bundle: give --edgeproof-bundle PATH, or name one in the test", pytrace=False)
    return chosen
