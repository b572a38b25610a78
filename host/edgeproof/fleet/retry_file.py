"""The file of boards that a command may be tried again on: `@FILE` in place of BOARD."""

from collections.abc import Sequence
from pathlib import Path

from edgeproof.fleet.outcome import Outcome
from edgeproof.local_files.atomic_file import write_atomically


def write_retry_file(outcomes: Sequence[Outcome], path: Path) -> bool:
    """Writes the boards that may succeed a second time, a line each with the reason; drops a file of an earlier command
    where there are none. Returns whether there are."""
    again = [outcome for outcome in outcomes if outcome.may_succeed]
    if not again:
        path.unlink(missing_ok=True)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(f"{outcome.board}  # {outcome.words}\n" for outcome in again).encode())
    return True
