"""`edgeproof prune`: drops from a board what nothing points to."""

import click
from rich.text import Text

from edgeproof.board.open_board import open_board
from edgeproof.board.prune import DroppedObject, prune
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile

_WORDS = {
    "agents": "agent of another version",
    "runtimes": "runtime of another version",
    "bundles": "bundle that no app names",
    "media": "file that was sent for a run",
    "incoming": "partial upload",
}


@click.command(name="prune", cls=BoardCommand)
@board_argument
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@click.option(
    "--app",
    "apps",
    multiple=True,
    metavar="NAME",
    help="Drop this app's previous bundle, too: it cannot be rolled back then. May be given more than once.",
)
@click.option("--all-hosts", is_flag=True, help="Drop also what only the edgeproof of other machines uses.")
def command(board: BoardProfile, dry_run: bool, apps: tuple[str, ...], all_hosts: bool) -> None:
    """Drop from BOARD the bundles that no app's current or previous link names, files sent for a run, partial uploads,
    and agents and runtimes of other versions of edgeproof that no other machine uses. What is in use there stays."""
    with open_board(board) as opened:
        dropped = prune(opened.store, dry_run, apps, all_hosts)
    console = Terminal()
    for line in describe_prune(dropped, board.name, dry_run):
        console.print(Text(line), soft_wrap=True)


def describe_prune(dropped: list[DroppedObject], board: str, dry_run: bool) -> list[str]:
    """A line for each object, and one for their sum."""
    lines = [
        f"{_WORDS.get(item.kind, item.kind)} {item.name.rpartition('-')[2][:12]}: {item.disk_bytes / 1e6:.2f} MB"
        + (", stays: it is in use" if item.in_use else "")
        for item in dropped
    ]
    freed_bytes = sum(item.disk_bytes for item in dropped if not item.in_use)
    verb = "would be freed" if dry_run else "freed"
    return [*lines, f"{freed_bytes / 1e6:.2f} MB {verb} on {board}"]
