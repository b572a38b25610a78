"""What is handed over between two threads: every frame or the newest, in order, in the same places, until the end."""

import threading

import pytest

from edgeproof_agent.pipeline.handover import FrameSlot, Handover, HandoverTimeoutError

LONG_SECONDS = 60.0


def give(handover: Handover, mark: int) -> FrameSlot:
    slot = handover.free_slot()
    slot.capture_ns = mark
    assert handover.give(slot)
    return slot


def taken(handover: Handover) -> int:
    slot = handover.take(LONG_SECONDS)
    assert slot is not None
    handover.put_back(slot)
    return slot.capture_ns


def test_the_newest_frame_wins_and_those_put_aside_are_counted() -> None:
    handover = Handover(1, newest_wins=True)
    for mark in range(5):
        give(handover, mark)
    assert (taken(handover), handover.dropped) == (4, 4)
    give(handover, 5)
    assert (taken(handover), handover.dropped) == (5, 4)


def test_a_frame_that_is_looked_at_is_not_written_over() -> None:
    handover = Handover(1, newest_wins=True)
    give(handover, 0)
    held = handover.take(LONG_SECONDS)
    assert held is not None
    places = {id(give(handover, mark)) for mark in range(1, 9)}
    assert id(held) not in places
    assert held.capture_ns == 0


def test_the_same_places_serve_for_ever() -> None:
    handover = Handover(2, newest_wins=False)
    places = set()
    for mark in range(50):
        places.add(id(give(handover, mark)))
        assert taken(handover) == mark
    assert len(places) <= 4


def test_every_frame_is_kept_when_the_newest_does_not_win_and_the_capturing_side_waits() -> None:
    handover = Handover(2, newest_wins=False)
    given: list[int] = []

    def capture() -> None:
        for mark in range(40):
            give(handover, mark)
            given.append(mark)
        handover.end()

    thread = threading.Thread(target=capture)
    thread.start()
    seen: list[int] = []
    while (slot := handover.take(LONG_SECONDS)) is not None:
        assert len(given) <= len(seen) + 1 + 2, "more were given than there is room for"
        seen.append(slot.capture_ns)
        handover.put_back(slot)
    thread.join(LONG_SECONDS)
    assert (seen, handover.dropped) == (list(range(40)), 0)


def test_what_waits_is_taken_ahead_of_the_end_and_of_a_failure() -> None:
    handover = Handover(2, newest_wins=False)
    give(handover, 7)
    handover.end(OSError("gone"))
    assert taken(handover) == 7
    with pytest.raises(OSError, match="gone"):
        handover.take(LONG_SECONDS)


def test_the_end_wakes_a_capturing_side_that_waits_for_room() -> None:
    handover = Handover(1, newest_wins=False)
    give(handover, 0)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(handover.give(handover.free_slot())))
    thread.start()
    handover.end()
    thread.join(LONG_SECONDS)
    assert answers == [False]


def test_silence_is_told_at_its_limit() -> None:
    with pytest.raises(HandoverTimeoutError):
        Handover(1, newest_wins=True).take(0.0)
