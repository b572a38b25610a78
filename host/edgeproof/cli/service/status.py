"""`edgeproof service status`: how a board's services are."""

import json
from dataclasses import asdict

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.service import service_status
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.service import describe_status
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.service import service_option
from edgeproof.config.boards import BoardProfile

SCHEMA = "edgeproof.services/1"
EXIT_UNHEALTHY = 1


@click.command(name="status", cls=BoardCommand)
@board_argument
@service_option
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON (schema {SCHEMA}).")
@click.pass_context
def command(ctx: click.Context, board: BoardProfile, app: str | None, as_json: bool) -> None:
    """Show how BOARD's services are.

    Exit status: 0 when all are active, 1 when one is not, 2 when the board cannot be asked.
    """
    with open_board(board) as opened:
        services = service_status(opened, app)
    if as_json:
        listed = [{**asdict(service), "state": dict(service.state)} for service in services]
        echo(json.dumps({"schema": SCHEMA, "board": board.name, "services": listed}, indent=2))
    else:
        for service in services:
            for line in describe_status(service):
                echo(line)
        if not services:
            echo(f"{board.name} has no service. Make one: edgeproof service install {board.name} --source camera:0")
    if not all(service.active for service in services):
        ctx.exit(EXIT_UNHEALTHY)
