"""One job on many boards: each outcome is its own, and so many are worked on at a time."""

import threading
import time

import pytest

from edgeproof.config.boards import BoardProfile
from edgeproof.errors import (
    AgentDiedError,
    AgentRefusedError,
    AuthenticationError,
    BoardBusyError,
    BoardSilentError,
    BoardUnreachableError,
    ConnectionRefusedByBoardError,
    DeadlineError,
    DeploymentError,
    HostKeyError,
    NoRuntimeError,
    UnknownHostKeyError,
    UsageError,
)
from edgeproof.fleet.outcome import ERROR, INCONCLUSIVE, OK, UNHEALTHY, Done, Outcome, by_reason, worst_status
from edgeproof.fleet.reasons import Reason, reason_of
from edgeproof.fleet.side_by_side import Event, InterruptedWorkError, side_by_side
from edgeproof.wording.progress import Progress, ProgressListener

BOARDS = [BoardProfile(name=f"b{n}", host="h") for n in range(9)]


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason", "again"),
    [
        (ConnectionRefusedByBoardError("x"), Reason.REFUSED, True),
        (BoardSilentError("x"), Reason.SILENT, True),
        (BoardUnreachableError("x"), Reason.UNREACHABLE, True),
        (DeadlineError("x"), Reason.SILENT, True),
        (AgentDiedError("x"), Reason.CUT, True),
        (BoardBusyError("x"), Reason.BUSY, True),
        (caused(DeploymentError("x"), AgentRefusedError("y", "disk")), Reason.DISK_FULL, False),
        (caused(DeploymentError("x"), AgentRefusedError("y", "busy")), Reason.BUSY, True),
        (caused(DeploymentError("x"), AgentRefusedError("y", "bundle")), Reason.BUNDLE, False),
        (caused(DeploymentError("x"), AgentDiedError("y")), Reason.CUT, True),
        (HostKeyError("x"), Reason.HOST_KEY_CHANGED, False),
        (UnknownHostKeyError("x"), Reason.HOST_KEY_UNKNOWN, False),
        (AuthenticationError("x"), Reason.LOGIN, False),
        (NoRuntimeError("x"), Reason.RUNTIME, False),
        (UsageError("x"), Reason.ASKED, False),
        (DeploymentError("x"), Reason.FAILED, False),
        (OSError("x"), Reason.FAILED, False),
        (ZeroDivisionError("x"), Reason.FAULT, False),
    ],
)
def test_an_error_has_a_reason_and_may_pass_by_itself_or_not(error: Exception, reason: Reason, again: bool) -> None:
    assert reason_of(error) is reason
    assert Outcome("b", 0.0, reason=reason).may_succeed is again


def test_what_happens_to_one_board_is_its_own_outcome() -> None:
    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        progress(Progress("half way"))
        if board.name == "b3":
            raise AgentDiedError("gone")
        if board.name == "b4":
            raise ZeroDivisionError("a fault")
        return Done(f"well {board.name}")

    events: list[Event] = []
    outcomes = side_by_side(BOARDS, job, 4, events.append)
    assert [outcome.board for outcome in outcomes] == [board.name for board in BOARDS]
    assert [outcome.reason for outcome in outcomes] == [
        {3: Reason.CUT, 4: Reason.FAULT}.get(number) for number in range(9)
    ]
    assert "ZeroDivisionError" in outcomes[4].message
    assert outcomes[0].words == "well b0"
    assert sum(event.outcome is not None for event in events) == 9
    assert Event("b0", "half way") in events


def test_no_more_than_so_many_are_worked_on_at_a_time() -> None:
    lock, at_work, most = threading.Lock(), 0, 0

    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.02)
        with lock:
            at_work -= 1
        return Done("")

    side_by_side(BOARDS, job, 3, lambda _: None)
    assert most == 3


def test_a_slow_board_does_not_keep_the_others_waiting() -> None:
    others = threading.Event()
    count = 0

    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        if board.name == "b0":
            assert others.wait(20)
        return Done("")

    def listen(event: Event) -> None:
        nonlocal count
        count += event.outcome is not None
        if count == len(BOARDS) - 1:
            others.set()

    assert all(outcome.done for outcome in side_by_side(BOARDS, job, 2, listen))


def test_an_interrupt_keeps_what_has_come() -> None:
    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        return Done("")

    def listen(event: Event) -> None:
        if event.outcome is not None and event.board == "b1":
            raise KeyboardInterrupt

    with pytest.raises(InterruptedWorkError) as interrupted:
        side_by_side(BOARDS, job, 1, listen)
    outcomes = interrupted.value.outcomes
    assert [outcome.reason for outcome in outcomes] == [None, None, *[Reason.NOT_BEGUN] * 7]


def test_the_worst_counts() -> None:
    def of(status: int) -> Outcome:
        return Outcome("b", 0.0, Done("", status=status))

    assert worst_status([]) == OK
    assert worst_status([of(OK), of(INCONCLUSIVE)]) == INCONCLUSIVE
    assert worst_status([of(UNHEALTHY), of(INCONCLUSIVE), of(OK)]) == UNHEALTHY
    assert worst_status([of(UNHEALTHY), Outcome("b", 0.0, reason=Reason.CUT)]) == ERROR
    assert worst_status([of(OK), Outcome("b", 0.0, reason=Reason.NOT_BEGUN)]) == INCONCLUSIVE
    assert Outcome("b", 0.0, Done("part", reason=Reason.CUT), Reason.CUT).status == ERROR


def test_reasons_come_by_how_many_have_them() -> None:
    outcomes = [Outcome(f"b{n}", 0.0, reason=Reason.CUT if n else Reason.LOGIN) for n in range(3)]
    assert [
        (reason, len(boards)) for reason, boards in by_reason([*outcomes, Outcome("w", 0.0, Done(""))]).items()
    ] == [
        (Reason.CUT, 2),
        (Reason.LOGIN, 1),
    ]
