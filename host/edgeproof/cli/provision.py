"""`edgeproof provision`: sets up a runtime on a board."""

import click
from rich.text import Text

from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.board.runtime.releases import RUNTIME_NAMES, fitting_releases
from edgeproof.board.store.signing import apply_signature_policy, read_public_keys
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import board_argument
from edgeproof.config.boards import BoardProfile

ALL = "all"


@click.command(name="provision")
@board_argument
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    type=click.Choice([*RUNTIME_NAMES, ALL]),
    help="Runtime to set up; may be given more than once.  [default: the one that fits best]",
)
def command(board: BoardProfile, runtimes: tuple[str, ...]) -> None:
    """Set up the TFLite runtime on BOARD, which needs no internet: the wheels are fetched here and sent over SSH."""
    trusted = read_public_keys(board.require_signature)
    console = Terminal()
    with open_board(board) as opened, shown_progress(console) as progress:
        names = list(runtimes) or ([board.runtime] if board.runtime else [])
        if ALL in names:
            names = [release.name for release in fitting_releases(opened.store.facts)]
        apply_signature_policy(opened.store, trusted)
        done = provision(opened, names, progress)
    for runtime in done:
        how = f"{runtime.payload_bytes / 1e6:.1f} MB sent, proven" if runtime.built else "was there, nothing sent"
        console.print(Text(f"{runtime.name} {runtime.version} is ready on {board.name} ({how})"), soft_wrap=True)
