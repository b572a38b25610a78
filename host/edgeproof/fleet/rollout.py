"""A bundle's way to many boards in stages: canaries first, then so many at a time; it stops by itself."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.fleet.outcome import OK, UNHEALTHY, Done, Outcome
from edgeproof.fleet.reasons import Reason
from edgeproof.fleet.rollout_record import RolloutRecord
from edgeproof.fleet.side_by_side import Event, InterruptedWorkError, Job, Listener, side_by_side

_SHARE = re.compile(r"(?P<number>\d+)(?P<percent>\s*%)?")


@dataclass(frozen=True)
class Share:
    """`5` boards, or `10%` of them, rounded up."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Raises `UsageError`."""
        match = _SHARE.fullmatch(text.strip())
        share = cls(int(match["number"]), match["percent"] is not None) if match else None
        if share is None or (share.percent and share.number > 100):
            raise UsageError(f"{text!r} is no number of boards: give one like 5, or a share like 10%")
        return share

    def of(self, count: int) -> int:
        return math.ceil(count * self.number / 100) if self.percent else self.number


@dataclass(frozen=True)
class Stages:
    canaries: Share = Share(0)
    serial: Share = Share(100, percent=True)
    """How many boards at a time after the canaries."""
    most_failures: Share = Share(0)
    """Of all boards: it stops where more than so many have failed. Of the canaries none may."""

    def cut(self, boards: Sequence[BoardProfile]) -> Iterator[Sequence[BoardProfile]]:
        """The canaries, where there are any, then the rest piece by piece. Raises `UsageError`."""
        first, step = self.canaries.of(len(boards)), self.serial.of(len(boards))
        if step < 1:
            raise UsageError("--serial 0 would never come to an end: give 1 or more")
        if first:
            yield boards[:first]
        for start in range(first, len(boards), step):
            yield boards[start : start + step]


@dataclass(frozen=True)
class RolledOut:
    outcomes: list[Outcome]
    """In the boards' order."""
    stopped: str | None = None
    """Why it went no further."""


def roll_out(
    boards: Sequence[BoardProfile],
    stages: Stages,
    switch: Job,
    judge: Callable[[Job], Job],
    record: RolloutRecord,
    forks: int,
    listen: Listener,
) -> RolledOut:
    """Switches stage by stage. `judge` makes of `switch` the canaries' job, which ends unwell where they are not well.

    What `record` has as done already is not done again. Ctrl-C is raised anew with what has come, as
    `InterruptedWorkError`; the record knows of it by then.
    """
    outcomes: dict[str, Outcome] = {}
    stopped: str | None = None
    for number, stage in enumerate(stages.cut(boards)):
        if stopped is not None:
            break
        is_canary = number == 0 and stages.canaries.number > 0
        todo = [board for board in stage if not record.is_done(board.name)]
        for board in stage:
            if record.is_done(board.name):
                outcomes[board.name] = Outcome(board.name, 0.0, Done("done before"))
                listen(Event(board.name, outcome=outcomes[board.name]))
        try:
            found = side_by_side(todo, judge(switch) if is_canary else switch, forks, listen)
        except InterruptedWorkError as interrupt:
            record.note(interrupt.outcomes)
            outcomes |= {outcome.board: outcome for outcome in interrupt.outcomes}
            raise InterruptedWorkError(_all(boards, outcomes)) from None
        record.note(found)
        outcomes |= {outcome.board: outcome for outcome in found}
        stopped = _why_stop(
            [outcomes[board.name] for board in stage], list(outcomes.values()), is_canary, stages, boards
        )
    if (
        stopped is not None
        and len(outcomes) == len(boards)
        and not any(o.status == UNHEALTHY for o in outcomes.values())
    ):
        stopped = None  # there was nothing left to stop
    return RolledOut(_all(boards, outcomes), stopped)


def roll_back_switched(
    boards: Sequence[BoardProfile], rolled: RolledOut, back: Job, forks: int, listen: Listener
) -> list[Outcome]:
    """Undoes what the rollout switched, on the boards where it did; returns the outcomes of all."""
    switched = {outcome.board for outcome in rolled.outcomes if _has_switched(outcome)}
    undone = side_by_side([board for board in boards if board.name in switched], back, forks, listen)
    by_board = {outcome.board: outcome for outcome in undone}
    return [_undone(outcome, by_board.get(outcome.board)) for outcome in rolled.outcomes]


def _undone(outcome: Outcome, back: Outcome | None) -> Outcome:
    if back is None:
        return outcome
    words = f"{back.words}, after: {outcome.words}" if outcome.status != OK else back.words
    if back.done is None:
        return replace(back, message=f"it could not be rolled back: {back.message}")
    return replace(outcome, done=replace(back.done, words=words, status=max(outcome.status, UNHEALTHY)))


def _has_switched(outcome: Outcome) -> bool:
    return outcome.done is not None and bool(outcome.done.data.get("changed"))


def _why_stop(
    stage: Sequence[Outcome],
    all_so_far: Sequence[Outcome],
    is_canary: bool,
    stages: Stages,
    boards: Sequence[BoardProfile],
) -> str | None:
    if is_canary:
        unwell = [outcome for outcome in stage if outcome.status != OK]
        return f"a canary is not well: {unwell[0].board}: {unwell[0].words}" if unwell else None
    failed = [outcome for outcome in all_so_far if outcome.status != OK]
    most = stages.most_failures.of(len(boards))
    if len(failed) > most:
        return f"{len(failed)} of {len(all_so_far)} boards failed, and {most} may"
    return None


def _all(boards: Sequence[BoardProfile], outcomes: dict[str, Outcome]) -> list[Outcome]:
    return [outcomes.get(board.name) or Outcome(board.name, 0.0, reason=Reason.NOT_BEGUN) for board in boards]
