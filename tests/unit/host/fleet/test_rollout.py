"""Stages of a rollout: who comes when, and what stops it."""

from pathlib import Path

import pytest

from edgeproof.config.boards import BoardProfile
from edgeproof.errors import AgentDiedError, UsageError
from edgeproof.fleet.outcome import OK, UNHEALTHY, Done
from edgeproof.fleet.reasons import Reason
from edgeproof.fleet.retry_file import write_retry_file
from edgeproof.fleet.rollout import RolledOut, Share, Stages, roll_back_switched, roll_out
from edgeproof.fleet.rollout_record import RolloutRecord
from edgeproof.fleet.side_by_side import Job
from edgeproof.wording.progress import ProgressListener

BOARDS = [BoardProfile(name=f"b{n:02}", host="h") for n in range(20)]


class Lab:
    """Boards that are switched, some of which fail or are found unwell."""

    def __init__(self, tmp_path: Path, failing: tuple[str, ...] = (), unwell: tuple[str, ...] = ()) -> None:
        self.switched: list[str] = []
        self.judged: list[str] = []
        self._failing, self._unwell, self._folder = failing, unwell, tmp_path

    def switch(self, board: BoardProfile, progress: ProgressListener) -> Done:
        if board.name in self._failing:
            raise AgentDiedError("gone")
        self.switched.append(board.name)
        return Done("serves it", {"changed": True})

    def judge(self, switch: Job) -> Job:
        def job(board: BoardProfile, progress: ProgressListener) -> Done:
            done = switch(board, progress)
            self.judged.append(board.name)
            return Done("gates", done.data, UNHEALTHY if board.name in self._unwell else OK)

        return job

    def record(self, resume: bool = False, digest: str = "a" * 64) -> RolloutRecord:
        return RolloutRecord(self._folder / "rollout.json", "app", digest, resume)

    def roll_out(self, stages: Stages, resume: bool = False) -> RolledOut:
        return roll_out(BOARDS, stages, self.switch, self.judge, self.record(resume), 1, lambda _: None)


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [("5", 20, 5), ("10%", 20, 2), ("10 %", 25, 3), ("1%", 20, 1), ("0", 9, 0), ("100%", 7, 7)],
)
def test_a_share_is_a_number_of_boards(text: str, count: int, expected: int) -> None:
    assert Share.parse(text).of(count) == expected


@pytest.mark.parametrize("text", ["", "-1", "101%", "half", "1.5", "10%%"])
def test_what_is_no_share_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="is no number of boards"):
        Share.parse(text)


def test_canaries_come_first_and_then_so_many_at_a_time() -> None:
    stages = Stages(Share(2), Share(30, percent=True))
    assert [len(stage) for stage in stages.cut(BOARDS)] == [2, 6, 6, 6]
    assert [len(stage) for stage in Stages().cut(BOARDS)] == [20]
    assert [board for stage in stages.cut(BOARDS) for board in stage] == BOARDS
    with pytest.raises(UsageError, match="would never come to an end"):
        list(Stages(serial=Share(0)).cut(BOARDS))


def test_an_unwell_canary_stops_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path, unwell=("b01",))
    rolled = lab.roll_out(Stages(Share(2), Share(5)))
    assert lab.switched == lab.judged == ["b00", "b01"]
    assert rolled.stopped == "a canary is not well: b01: gates"
    assert [outcome.reason for outcome in rolled.outcomes] == [None, None, *[Reason.NOT_BEGUN] * 18]


def test_canaries_alone_are_judged(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    assert lab.roll_out(Stages(Share(1), Share(5))).stopped is None
    assert lab.judged == ["b00"]
    assert lab.switched == [board.name for board in BOARDS]
    none = Lab(tmp_path)
    assert none.roll_out(Stages()).stopped is None
    assert none.judged == []


def test_it_stops_after_the_stage_in_which_too_many_failed(tmp_path: Path) -> None:
    failing = ("b03", "b07")
    lab = Lab(tmp_path, failing)
    rolled = lab.roll_out(Stages(serial=Share(5), most_failures=Share(1)))
    assert rolled.stopped == "2 of 10 boards failed, and 1 may"
    assert sum(outcome.reason is Reason.NOT_BEGUN for outcome in rolled.outcomes) == 10
    assert Lab(tmp_path, failing).roll_out(Stages(serial=Share(5), most_failures=Share(10, True))).stopped is None


def test_a_failure_in_the_only_stage_stops_nothing(tmp_path: Path) -> None:
    rolled = Lab(tmp_path, ("b03",)).roll_out(Stages())
    assert rolled.stopped is None
    assert rolled.outcomes[3].reason is Reason.CUT


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    Lab(tmp_path, failing=("b06",)).roll_out(Stages(Share(1), Share(5)))
    again = Lab(tmp_path)
    rolled = again.roll_out(Stages(Share(1), Share(5)), resume=True)
    assert again.switched == ["b06", *(board.name for board in BOARDS[11:])]
    assert again.judged == []
    assert [outcome.words for outcome in rolled.outcomes[:6]] == ["done before"] * 6
    with pytest.raises(UsageError, match="is of another rollout: of app aaaaaaaaaaaa"):
        again.record(resume=True, digest="b" * 64)
    (tmp_path / "rollout.json").write_text("{")
    with pytest.raises(UsageError, match="Leave --resume out to begin anew"):
        again.record(resume=True)
    (tmp_path / "rollout.json").unlink()
    with pytest.raises(UsageError, match="there is no rollout of this bundle to resume"):
        again.record(resume=True)


def test_what_was_switched_is_rolled_back_and_nothing_else(tmp_path: Path) -> None:
    lab = Lab(tmp_path, unwell=("b00",))
    rolled = lab.roll_out(Stages(Share(2), Share(5)))
    undone: list[str] = []

    def back(board: BoardProfile, progress: ProgressListener) -> Done:
        undone.append(board.name)
        if board.name == "b01":
            raise AgentDiedError("gone")
        return Done("rolled back")

    outcomes = roll_back_switched(BOARDS, rolled, back, 1, lambda _: None)
    assert undone == ["b00", "b01"]
    assert (outcomes[0].words, outcomes[0].status) == ("rolled back, after: gates", UNHEALTHY)
    assert outcomes[1].reason is Reason.CUT
    assert outcomes[1].message == "it could not be rolled back: gone"
    assert outcomes[2].reason is Reason.NOT_BEGUN


def test_the_retry_file_has_those_that_may_succeed(tmp_path: Path) -> None:
    rolled = Lab(tmp_path, failing=("b03",)).roll_out(Stages())
    path = tmp_path / "deep" / "retry.txt"
    assert write_retry_file(rolled.outcomes, path)
    assert path.read_text() == "b03  # ended midway\n"
    assert not write_retry_file(rolled.outcomes[:3], path)
    assert not path.exists()
