"""What the real agent says of its share of the board, of a delegate, and of the board beside a bench."""

import os

import cv2
import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.errors import AgentRefusedError
from tests.support.boards.local_board import LocalBoard
from tests.support.networks.tiny_ssd import draw_dark


@pytest.fixture
def picture() -> bytes:
    return bytes(cv2.imencode(".png", draw_dark())[1])


def test_an_agent_that_is_kept_to_one_cpu_uses_one_thread_and_says_so(board: LocalBoard) -> None:
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    try:
        with board.session() as session:
            load = session.load(board.bundle_path("int8")).load
            with pytest.raises(AgentRefusedError, match="2 threads cannot run at once: .* Ask for --threads 1 or"):
                session.load(board.bundle_path("int8"), threads=2)
    finally:
        os.sched_setaffinity(0, mine)
    assert load.threads == 1
    assert load.cpus is not None
    assert (load.cpus.allowed, load.cpus.usable, load.cpus.cores) == (1, 1, "all")
    assert load.cpus.total >= len(mine)


def test_a_delegate_that_is_not_there_is_refused_and_the_session_goes_on(
    board: LocalBoard, session: AgentSession
) -> None:
    with pytest.raises(AgentRefusedError, match=r"the board has no libnowhere\.so\.1") as caught:
        session.load(board.bundle_path("int8"), delegate="libnowhere.so.1")
    assert caught.value.kind == "delegate"
    assert session.load(board.bundle_path("int8")).load.delegate is None


def test_the_board_is_sampled_beside_a_bench(board: LocalBoard, session: AgentSession, picture: bytes) -> None:
    session.load(board.bundle_path("float32"))
    result = session.bench(picture, runs=1_000_000, warmup_runs=1, max_seconds=2.5)
    assert 2.0 < result.seconds < 30.0
    assert len(result.timeline) >= 2
    assert all(sample.rss_mib is not None and sample.rss_mib > 10 for sample in result.timeline)
    total = result.samples_ns["total"].sum() / 1e9
    assert total <= result.seconds, "what the runs took is within what was sampled"
