"""`edgeproof check` of many boards side by side."""

from collections.abc import Sequence
from pathlib import Path

from edgeproof.check.cell import Cell
from edgeproof.check.checking import Checked
from edgeproof.cli.display.fleet_view import shown_fleet
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.fleet_work import forks_of, tell
from edgeproof.cli.many.measuring import board_folder
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.fleet.checking import check_side_by_side
from edgeproof.record.run import Report


def check_many(
    fleet: FleetOptions, cells: Sequence[Cell], kept: Path, console: Terminal, *, repeat: bool, baseline: Report | None
) -> Checked:
    """Measures and tells what came of each board; what was measured ahead of a Ctrl-C stays for the next check."""
    with shown_fleet([board.name for board in fleet.boards], console) as listen:
        found = check_side_by_side(
            cells, lambda name: board_folder(kept, name), forks_of(fleet), listen, repeat=repeat, baseline=baseline
        )
    tell(fleet, found.outcomes, console)
    return found.checked
