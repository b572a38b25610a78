"""Does one job on many boards, so many at a time; what happens to one is its own outcome and no other's."""

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeproof.config.boards import BoardProfile
from edgeproof.errors import EdgeproofError
from edgeproof.fleet.outcome import Done, Outcome
from edgeproof.fleet.reasons import Reason, reason_of
from edgeproof.wording.progress import Progress, ProgressListener

Job = Callable[[BoardProfile, ProgressListener], Done]
"""Raises what keeps it from its end."""


@dataclass(frozen=True)
class Event:
    """Something that is worth showing: a board's `outcome`, or where it has got to."""

    board: str
    words: str = ""
    outcome: Outcome | None = None


Listener = Callable[[Event], None]

_STACK_BYTES = 1 << 20
"""Enough for SSH and a report; the system's 8 MiB of address space for each of a thousand threads may be refused."""


def side_by_side(boards: Sequence[BoardProfile], job: Job, forks: int, listen: Listener) -> list[Outcome]:
    """The outcomes in the boards' order. `listen` is called from this thread alone.

    An interrupt (Ctrl-C) leaves the boards under way to themselves, begins no further, and is raised anew as
    `InterruptedWorkError` with what has come.
    """
    waiting = deque(enumerate(boards))
    events: queue.SimpleQueue[tuple[int, Event]] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                number, board = waiting.popleft()
            except IndexError:
                return

            def tell(event: Event, number: int = number) -> None:
                events.put((number, event))

            tell(_attempt(board, job, tell))

    outcomes: dict[int, Outcome] = {}
    before = threading.stack_size(_STACK_BYTES)
    try:
        threads = [threading.Thread(target=work, name=f"fork-{n}", daemon=True) for n in range(min(forks, len(boards)))]
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(before)
    try:
        while len(outcomes) < len(boards):
            number, event = events.get()
            if event.outcome is not None:
                outcomes[number] = event.outcome
            listen(event)
    except KeyboardInterrupt:
        stop.set()
        raise InterruptedWorkError(
            [
                outcomes.get(number) or Outcome(board.name, 0.0, reason=Reason.NOT_BEGUN, message="interrupted")
                for number, board in enumerate(boards)
            ]
        ) from None
    return [outcomes[number] for number in range(len(boards))]


class InterruptedWorkError(KeyboardInterrupt):
    """Ctrl-C, and what had come until then; a board that was under way counts as not begun."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


def _attempt(board: BoardProfile, job: Job, tell: Callable[[Event], None]) -> Event:
    def progress(step: Progress) -> None:
        tell(Event(board.name, step.text))

    tell(Event(board.name, "connecting"))
    start = time.monotonic()
    try:
        done = job(board, progress)
        message = done.words if done.reason is not None else ""
        outcome = Outcome(board.name, time.monotonic() - start, done, done.reason, message)
    except (EdgeproofError, OSError) as error:
        outcome = Outcome(board.name, time.monotonic() - start, reason=reason_of(error), message=str(error))
    except Exception as error:  # noqa: BLE001  # one board must not take what came of the others with it
        trace = "".join(traceback.format_exception(error)[-3:])
        words = f"{type(error).__name__}: {error}. Please report this:\n{trace}"
        outcome = Outcome(board.name, time.monotonic() - start, reason=reason_of(error), message=words)
    return Event(board.name, outcome=outcome)
