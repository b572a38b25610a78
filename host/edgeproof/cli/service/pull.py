"""`edgeproof service pull`: brings home what a service has found."""

from pathlib import Path

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.service import pull_pieces
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.service import only_service
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.cli.options.service import service_option
from edgeproof.config.boards import BoardProfile
from edgeproof.local_files.pulled_lines import PulledLines
from edgeproof.wording.counting import counted


@click.command(name="pull", cls=BoardCommand)
@board_argument
@service_option
@click.option("--out", required=True, type=PATH, help="Folder to bring it to, the same every time.")
def command(board: BoardProfile, app: str | None, out: Path) -> None:
    """Bring home what a service of BOARD has found since the last pull into OUT: JSON lines, one a frame.

    A pull that was cut goes on where it ended. Nothing comes twice. What the board had to drop for want of room before
    it was pulled is named; a new file then begins.
    """
    with open_board(board) as opened:
        name = only_service(opened, app)
        with PulledLines.open(out) as kept:
            for piece in pull_pieces(opened, name, kept.identity, kept.next_offset):
                gap = kept.add(piece.identity, piece.offset, piece.data)
                if gap:
                    echo(f"{gap} bytes of {name} are gone: the board had no room for them any more", err=True)
            where = f" to {kept.last}" if kept.last else ""
            echo(f"{counted(kept.lines, 'line')} ({kept.size_bytes / 1e6:.2f} MB) of {name} came{where}")
