"""What is seen of a stream at this moment, as the terminal shows it."""

import io
import threading
from collections.abc import Callable

from edgeproof.cli.display.terminal import Terminal
from edgeproof.record.detections import PictureResult, StreamFrame
from edgeproof.record.pictures import Picture
from edgeproof.watch.live_state import LiveState
from edgeproof.watch.live_table import LiveTable
from tests.support.live_frames import TOLD, show


def watched(frames: int = 20) -> LiveState:
    state = LiveState("camera:0", "pi", 0.2)
    state.running("people int8")
    state.opened(TOLD)
    for index in range(frames):
        show(state, index)
    return state


def test_a_moment_tells_percentiles_of_the_last_frames_and_what_the_last_one_shows() -> None:
    now = watched().snapshot()
    assert now.frames == 20
    assert now.stages_ms["invoke"] == (10.0, 12.0)
    assert now.age_ms == (45.0, 45.0)
    assert now.found == {"person": 1, "cup": 1}
    assert (now.dropped, now.refused, now.picture_size) == (2, 0, (320, 240))
    assert [item.label for item in now.picture_detections] == ["person", "cup"]
    assert now.state is not None
    assert now.state.temperature_celsius == 51.4


def test_what_is_remembered_is_bounded() -> None:
    state = watched(300)
    for index in range(50):
        state.word(f"word {index}")
    now = state.snapshot()
    assert len(now.course_ms) == 240
    assert now.words == tuple(f"word {index}" for index in range(30, 50))


def test_a_frame_that_could_not_be_looked_at_is_counted_and_told() -> None:
    state = watched(1)
    result = PictureResult("frame 1", error="the source gave a frame that cannot be decoded")
    state.frame(StreamFrame(1, result, None), Picture.of(result, (), 0, 0.5))
    now = state.snapshot()
    assert (now.refused, now.frames) == (1, 2)
    assert now.words == ("the source gave a frame that cannot be decoded",)
    assert now.picture_number == watched(1).snapshot().picture_number, "the picture stays"


def test_whoever_waits_is_woken_by_what_comes_and_by_the_end() -> None:
    state = watched(1)
    seen: list[int] = []
    changes: list[Callable[[], None]] = [lambda: show(state, 1), state.end]
    for change in changes:
        number = state.snapshot().number
        waiting = threading.Thread(target=lambda: seen.append(state.snapshot(number, 60.0).number))  # noqa: B023
        waiting.start()
        change()
        waiting.join(30.0)
        assert not waiting.is_alive()
        assert seen[-1] == number + 1
    assert state.snapshot(seen[-1], 60.0).ended, "nobody waits for more"


def test_the_table_fits_80_columns_and_shows_what_matters() -> None:
    state = watched()
    state.word("the source is lost: its stream ended; it is opened again in 0.5 s")
    output = io.StringIO()
    Terminal(file=output, width=80, no_color=True).print(LiveTable(state, "http://127.0.0.1:1/token/"))
    text = output.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    shown = " ".join(text.split())
    for words in (
        "camera:0: people int8 on pi",
        "20 frames",
        "2 dropped, 0 repeated, opened anew 0 times",
        "age of a frame: p50 45.0 ms, p95 45.0 ms",
        "temperature 51 °C, clock 1500 MHz, load 0.70",
        "on the last frame: person 1, cup 1",
        "invoke 10.0 12.0",
        "the source is lost: its stream ended",
        "page: http://127.0.0.1:1/token/",
    ):
        assert words in shown


def test_a_video_is_not_said_to_drop_anything_and_a_silent_board_tells_nothing() -> None:
    output = io.StringIO()
    Terminal(file=output, width=80).print(LiveTable(LiveState("walk.avi", "pi", 5.0)))
    text = " ".join(output.getvalue().split())
    assert "dropped" not in text
    assert "board: not told" in text
    assert "on the last frame: nothing" in text
