"""`edgeproof status`: what a board serves, since when, and what edgeproof takes there."""

import json
from dataclasses import asdict

import click
from rich.text import Text

from edgeproof.board.open_board import open_board
from edgeproof.board.store.status import BoardStatus, read_status
from edgeproof.cli.display.apps import apps_table
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import app_option
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError

SCHEMA = "edgeproof.status/1"


@click.command(name="status", cls=BoardCommand)
@one_or_many("status")
@app_option
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON (schema {SCHEMA}).")
def command(board: BoardProfile, app: str | None, as_json: bool) -> None:
    """Show what each app on BOARD serves, and what edgeproof takes there."""
    with open_board(board) as opened:
        status = read_status(opened.store)
    if app is not None and app not in status.apps:
        raise UsageError(f"{board.name} has no app {app}: it has {', '.join(status.apps) or 'none'}")
    if as_json:
        document = asdict(status)
        document["apps"] = {name: links for name, links in document["apps"].items() if app in (None, name)}
        echo(json.dumps({"schema": SCHEMA, "board": board.name, **document}, indent=2))
        return
    console = Terminal()
    console.print(apps_table({name: links for name, links in status.apps.items() if app in (None, name)}))
    console.print(Text(describe_disk(status)), soft_wrap=True)


def describe_disk(status: BoardStatus) -> str:
    """One line: what each kind takes, and what is free."""
    taken = ", ".join(f"{kind} {size / 1e6:.1f} MB" for kind, size in status.disk_bytes.items() if size > 1e5)
    signed = "\nonly signed bundles are accepted" if status.signature_required else ""
    return f"on disk: {taken or 'nothing'}; {status.free_bytes / 1e6:.0f} MB free{signed}"
