"""`edgeproof provision`: sets up a runtime on a board."""

import click
from rich.text import Text

from edgeproof.board.open_board import open_board
from edgeproof.board.provision import ProvisionedRuntime, provision
from edgeproof.board.runtime.releases import RUNTIME_NAMES, fitting_releases
from edgeproof.board.store.signing import apply_signature_policy, read_public_keys
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile
from edgeproof.wording.progress import ProgressListener

ALL = "all"


@click.command(name="provision", cls=BoardCommand)
@one_or_many("provision")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    type=click.Choice([*RUNTIME_NAMES, ALL]),
    help="Runtime to set up; may be given more than once.  [default: the one that fits best]",
)
def command(board: BoardProfile, runtimes: tuple[str, ...]) -> None:
    """Set up the TFLite runtime on BOARD, which needs no internet: the wheels are fetched here and sent over SSH."""
    console = Terminal()
    with shown_progress(console) as progress:
        done = provision_board(board, runtimes, progress)
    for runtime in done:
        text = f"{runtime.name} {runtime.version} is ready on {board.name} ({_how(runtime)})"
        console.print(Text(text), soft_wrap=True)


def provision_board(
    board: BoardProfile, runtimes: tuple[str, ...], progress: ProgressListener
) -> list[ProvisionedRuntime]:
    """Sets up the named runtimes, or the one that the board's profile names, or the one that fits best."""
    trusted = read_public_keys(board.require_signature)
    with open_board(board) as opened:
        names = list(runtimes) or ([board.runtime] if board.runtime else [])
        if ALL in names:
            names = [release.name for release in fitting_releases(opened.store.facts)]
        apply_signature_policy(opened.store, trusted)
        return provision(opened, names, progress)


def describe_runtime(runtime: ProvisionedRuntime) -> str:
    """Which one is ready, and what that took."""
    return f"{runtime.name} {runtime.version} ({_how(runtime)})"


def _how(runtime: ProvisionedRuntime) -> str:
    return f"{runtime.payload_bytes / 1e6:.1f} MB sent, proven" if runtime.built else "was there, nothing sent"
