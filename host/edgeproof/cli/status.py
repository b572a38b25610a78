"""`edgeproof status`: what a board serves, since when, and what edgeproof takes there."""

import json
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from edgeproof.board.open_board import open_board
from edgeproof.board.store.status import BoardStatus, ServedBundle, read_status
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import app_option
from edgeproof.cli.options.boards import one_or_many
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.wording.counting import counted

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


SCHEMA = "edgeproof.status/1"


@click.command(name="status")
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
    console.print(_apps_table(status, app))
    console.print(Text(describe_disk(status)), soft_wrap=True)


def describe_disk(status: BoardStatus) -> str:
    """One line: what each kind takes, and what is free."""
    taken = ", ".join(f"{kind} {size / 1e6:.1f} MB" for kind, size in status.disk_bytes.items() if size > 1e5)
    signed = "\nonly signed bundles are accepted" if status.signature_required else ""
    return f"on disk: {taken or 'nothing'}; {status.free_bytes / 1e6:.0f} MB free{signed}"


def describe_age(seconds: float) -> str:
    """`3 hours ago`, in the largest unit that fits."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{counted(int(seconds // size), unit)} ago"
    return "just now"


def _apps_table(status: BoardStatus, app: str | None) -> Table:
    table = Table("app", "", "model", "variant", "digest", "MB", "switched", box=None, pad_edge=False)
    for name, links in status.apps.items():
        if app in (None, name):
            table.add_row(Text(name, style="bold"), "current", *_cells(links.current))
            if links.previous is not None:
                table.add_row("", "previous", *_cells(links.previous))
    return table


def _cells(bundle: ServedBundle | None) -> list[Text]:
    if bundle is None:
        return [Text("none")]
    signature = " (has a signature)" if bundle.has_signature else ""
    texts = (bundle.name, bundle.variant, bundle.digest[:12] + signature, f"{bundle.disk_bytes / 1e6:.2f}")
    return [Text(text) for text in (*texts, describe_age(bundle.age_seconds))]
