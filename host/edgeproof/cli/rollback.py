"""`edgeproof rollback`: goes back to the bundle before."""

import click
from rich.text import Text

from edgeproof.board.deploy import current_bundle, roll_back
from edgeproof.board.open_board import open_board
from edgeproof.board.store.status import ServedBundle, read_status
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import app_option, runtime_option
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile


@click.command(name="rollback", cls=BoardCommand)
@one_or_many("rollback")
@app_option
@runtime_option
def command(board: BoardProfile, app: str | None, runtime: str | None) -> None:
    """Switch an app on BOARD back to its previous bundle, after hashing it anew and running it there once.

    The bundle that was current becomes the previous one, so a second rollback goes forward again.
    """
    console = Terminal()
    with open_board(board) as opened, shown_progress(console) as progress:
        name, _ = current_bundle(opened, app)
        done = roll_back(opened, name, runtime, progress)
        links = read_status(opened.store).apps[name]
    before = f", before {_named(links.previous, done.before)}" if done.before else ""
    again = _named(links.current, done.digest)
    console.print(Text(f"{done.app} on {board.name} serves {again} again{before}"), soft_wrap=True)


def _named(served: ServedBundle | None, digest: str) -> str:
    """Its digest, and its variant where the board still tells it."""
    variant = f" ({served.variant})" if served is not None and served.digest == digest and served.variant else ""
    return f"{digest[:12]}{variant}"
