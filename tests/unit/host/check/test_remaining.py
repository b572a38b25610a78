"""What a step of a check says: the cell, the stage, what is still needed, and the time left."""

from edgeproof.check.remaining import Remaining
from edgeproof.wording.progress import Progress, ProgressKind, ProgressUnit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A check of some cells, with a clock that is set by hand."""

    def __init__(self, cells: int) -> None:
        self.clock = Clock()
        self.said: list[Progress] = []
        self.remaining = Remaining(cells, self.said.append, self.clock)

    def step(self, done: int, total: int | None, text: str = "measuring") -> str:
        self.remaining(Progress(text, done=done, total=total))
        return self.said[-1].text

    def cell(self, place: str, seconds: float, *, measured: bool = True) -> None:
        self.remaining.begin(place)
        self.clock.now += seconds
        self.remaining.end(measured=measured)


def test_a_step_names_its_cell_what_is_needed_and_the_time_left() -> None:
    watched = Watched(1)
    watched.remaining.begin("1 of 1: int8 on pi")
    assert watched.said[-1] == Progress("1 of 1: int8 on pi", ProgressKind.NOTE)
    assert watched.step(0, 130) == "1 of 1: int8 on pi: measuring, 130 to go"
    watched.clock.now += 3
    assert watched.step(30, 130) == "1 of 1: int8 on pi: measuring, 100 to go, 10 s left"
    assert (watched.said[-1].done, watched.said[-1].total) == (30, 130)
    assert watched.step(130, 130) == "1 of 1: int8 on pi: measuring"


def test_a_step_that_goes_on_longer_is_told_anew() -> None:
    watched = Watched(1)
    watched.remaining.begin("a")
    watched.step(0, 64)
    watched.clock.now += 64
    assert watched.step(64, 130) == "a: measuring, 66 to go"
    watched.clock.now += 6
    assert watched.step(67, 130) == "a: measuring, 63 to go, 2 min left"


def test_nobody_guesses_where_the_end_is_not_known() -> None:
    watched = Watched(1)
    watched.remaining.begin("a")
    assert watched.step(0, None, "warming up") == "a: warming up"
    watched.remaining(Progress("sending", done=10, total=100, unit=ProgressUnit.BYTES))
    assert watched.said[-1].text == "a: sending", "the bar has its own rate"


def test_what_comes_behind_is_reckoned_from_measured_cells_alone() -> None:
    watched = Watched(5)
    watched.remaining.end(measured=False)
    watched.remaining.begin("2 of 5")
    assert "then" not in watched.step(1, 2)
    watched.clock.now += 50
    watched.remaining.end(measured=True)
    watched.cell("3 of 5", 500, measured=False)
    watched.remaining.begin("4 of 5")
    assert watched.step(0, 9) == "4 of 5: measuring, 9 to go, then 1 more, some 50 s"
    watched.cell("4 of 5", 50)
    watched.remaining.begin("5 of 5")
    assert "then" not in watched.step(0, 9)


def test_a_note_passes_as_it_is() -> None:
    watched = Watched(2)
    note = Progress("ai-edge-litert: was there", ProgressKind.NOTE)
    watched.remaining.begin("a")
    watched.remaining(note)
    assert watched.said[-1] == note


def test_a_second_pass_of_the_same_step_begins_anew() -> None:
    watched = Watched(1)
    watched.remaining.begin("a")
    watched.step(0, 10)
    watched.clock.now += 100
    watched.step(5, 10)
    assert watched.step(0, 10) == "a: measuring, 10 to go"
    watched.clock.now += 5
    assert watched.step(5, 10) == "a: measuring, 5 to go, 5 s left"
