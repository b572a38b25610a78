"""`edgeproof board list`: the boards of edgeproof.toml, without asking them."""

import json

import click
import msgspec
from rich.table import Table
from rich.text import Text

from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import CONFIG_FILE, BoardProfile, all_boards, find_config

_IN_TARGET = {"name", "host", "user", "port"}
SCHEMA = "edgeproof.boards/1"


@click.command(name="list", cls=BoardCommand)
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON (schema {SCHEMA}).")
def command(as_json: bool) -> None:
    """List the boards of edgeproof.toml. No board is asked."""
    path = find_config()
    boards = all_boards(path) if path else {}
    if as_json:
        listed = [msgspec.to_builtins(board) for board in boards.values()]
        echo(json.dumps({"schema": SCHEMA, "file": path and str(path), "boards": listed}, indent=2))
        return
    if not boards:
        where = f"{path} has no boards" if path else f"there is no {CONFIG_FILE} here or in a folder above"
        echo(f"{where}. Add one: edgeproof board add NAME USER@HOST")
        return
    console = Terminal()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("board", "target", "settings"):
        table.add_column(head, overflow="fold")
    for board in boards.values():
        table.add_row(Text(board.name), Text(board.target), Text(_settings(board)))
    console.print(table)
    console.print(Text(f"from {path}", style="dim"), soft_wrap=True)


def _settings(board: BoardProfile) -> str:
    """What differs from a plain profile."""
    plain = BoardProfile(host=board.host)
    return ", ".join(
        f"{name} {' and '.join(value) if isinstance(value, tuple) else value}"
        for name, value in msgspec.structs.asdict(board).items()
        if name not in _IN_TARGET and value != getattr(plain, name)
    )
