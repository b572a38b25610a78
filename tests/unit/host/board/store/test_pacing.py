"""Frames and compression follow what the link is measured to carry."""

import os
import zlib

from edgeproof.board.store.pacing import MAX_FRAME_BYTES, MIN_FRAME_BYTES, LinkPace

TEXT = b"a model's weights are not all that random " * 800
NOISE = os.urandom(len(TEXT))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def pace_of(bytes_per_second: float) -> LinkPace:
    """After a first frame that took a second, and a megabyte that was taken at this speed."""
    clock = Clock()
    pace = LinkPace(clock)
    clock.now = 1.0
    pace.taken(MIN_FRAME_BYTES)
    clock.now += (1 << 20) / bytes_per_second
    pace.taken(1 << 20)
    return pace


def test_before_anything_is_known_frames_are_small_and_as_they_are() -> None:
    pace = LinkPace(Clock())
    assert pace.frame_bytes == MIN_FRAME_BYTES
    assert pace.pack(TEXT) is None


def test_the_faster_the_link_the_longer_the_frames_within_bounds() -> None:
    assert pace_of(1e3).frame_bytes == MIN_FRAME_BYTES
    assert MIN_FRAME_BYTES < pace_of(3e5).frame_bytes < MAX_FRAME_BYTES
    assert pace_of(1e9).frame_bytes == MAX_FRAME_BYTES
    assert pace_of(1e9).window_bytes() <= 1 << 20


def test_on_a_slow_link_what_can_be_packed_is_packed() -> None:
    pace = pace_of(2.5e6)
    packed = pace.pack(TEXT)
    assert packed is not None
    assert zlib.decompress(packed) == TEXT
    assert len(packed) < len(TEXT)


def test_on_a_fast_link_nothing_is_packed() -> None:
    assert pace_of(200e6).pack(TEXT) is None


def test_noise_is_never_packed_and_tried_only_now_and_then() -> None:
    pace = pace_of(2.5e6)
    assert [pace.pack(NOISE) for _ in range(20)] == [None] * 20


def test_packing_is_taken_up_when_the_data_changes_and_given_up_again() -> None:
    pace = pace_of(2.5e6)
    assert pace.pack(NOISE) is None
    taken_up = [pace.pack(TEXT) is not None for _ in range(20)]
    assert not taken_up[0]
    assert taken_up[-1]
    assert pace.pack(NOISE) is None
    assert pace.pack(TEXT) is None, "it waits for the next sample"


def test_a_speed_is_believed_once_enough_has_been_taken() -> None:
    """The first answers come from a buffer on the way and would tell of a link that is faster than any."""
    clock = Clock()
    pace = LinkPace(clock)
    clock.now = 1.0
    pace.taken(MIN_FRAME_BYTES)
    for _ in range(15):
        clock.now += 8192 / 300e3
        pace.taken(8192)
    assert pace.frame_bytes == MIN_FRAME_BYTES, "120 kB tell nothing yet"
    clock.now += 8192 / 300e3
    pace.taken(8192)
    assert pace.frame_bytes > MIN_FRAME_BYTES
