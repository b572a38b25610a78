"""A wait is over at one point in time, however it is divided."""

import time

import pytest

from edgeproof.board.link.deadline import Deadline
from edgeproof.errors import BoardError, DeadlineError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_what_is_left_shrinks_as_time_goes_by(clock: list[float]) -> None:
    deadline = Deadline(10, "the board")
    assert deadline.remaining_seconds() == 10
    clock[0] += 9.5
    assert deadline.remaining_seconds() == 0.5


@pytest.mark.parametrize("late", [0.0, 0.001, 1e9])
def test_a_wait_that_is_over_says_how_long_and_for_what(clock: list[float], late: float) -> None:
    deadline = Deadline(2.5, "the agent on pi to load a bundle")
    clock[0] += 2.5 + late
    with pytest.raises(DeadlineError) as caught:
        deadline.remaining_seconds()
    assert str(caught.value) == "waited 2.5 s for the agent on pi to load a bundle; the board or the connection hangs"
    assert isinstance(caught.value, BoardError)


def test_no_seconds_are_over_at_once(clock: list[float]) -> None:
    with pytest.raises(DeadlineError):
        Deadline(0, "nothing").remaining_seconds()
