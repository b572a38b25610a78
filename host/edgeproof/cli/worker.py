"""`edgeproof worker`: offers boards near this machine to a Dask cluster."""

from pathlib import Path

import click

from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.boards import choose_boards, forks_option, narrowing_options
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cluster.worker import serve_boards
from edgeproof.config.fleet import DEFAULT_FORKS
from edgeproof.wording.counting import counted
from edgeproof.wording.name_ranges import name_ranges


@click.command(name="worker", cls=BoardCommand)
@click.argument("scheduler", metavar="SCHEDULER")
@click.option(
    "--boards", "words", multiple=True, required=True, metavar="BOARD", help="Names, groups, tag:NAME, globs."
)
@narrowing_options
@forks_option
def command(
    scheduler: str,
    words: tuple[str, ...],
    limit: tuple[str, ...],
    exclude: tuple[str, ...],
    inventories: tuple[Path, ...],
    forks: int | None,
) -> None:
    """Offer boards that this machine reaches to the Dask scheduler at SCHEDULER (tcp://HOST:8786, or tls://).

    What `edgeproof check --on SCHEDULER` asks for is measured on them. Runs until it is interrupted.

    How a board is reached and which key opens it stays here: tasks name boards only.
    """
    boards = choose_boards(words, limit, exclude, inventories).boards
    listed = name_ranges([board.name for board in boards], 8)
    serve_boards(
        scheduler,
        boards,
        forks or DEFAULT_FORKS,
        lambda: echo(f"offering {counted(len(boards), 'board')} to {scheduler}: {listed}", err=True),
    )
