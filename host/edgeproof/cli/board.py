"""`edgeproof board`: trusts a board's host key, shows what a board is."""

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeproof.board.host_keys import known_hosts_path, trust
from edgeproof.board.profile import BoardProfile
from edgeproof.board.runtimes import fitting_releases
from edgeproof.board.ssh import fetch_host_key
from edgeproof.cli.board_options import board_argument
from edgeproof.errors import HostKeyError
from edgeproof.runs.open_board import open_board


@click.group(name="board")
def command() -> None:
    """Trust a board's host key, or show what a board is."""


@command.command(name="trust")
@board_argument
@click.option("--fingerprint", help="Trust the key only if it has this fingerprint (SHA256:...); asks for nothing.")
def trust_board(board: BoardProfile, fingerprint: str | None) -> None:
    """Write BOARD's host key to known_hosts, in place of an older one."""
    host, port, key = fetch_host_key(board)
    if fingerprint is None:
        click.echo(f"{board.name} ({host} port {port}) shows this {key.get_name()} key:\n  {key.fingerprint}")
        question = f"Is that what the board itself shows, and shall {known_hosts_path(board)} trust it?"
        try:
            agreed = click.confirm(question)
        except click.Abort:
            click.echo()
            agreed = False
        if not agreed:
            raise HostKeyError("nothing was trusted. Where nobody can answer, give the key with --fingerprint.")
    elif fingerprint != key.fingerprint:
        raise HostKeyError(
            f"{board.name} ({host} port {port}) shows {key.fingerprint}, not {fingerprint}; nothing was trusted."
        )
    click.echo(f"{board.name} is trusted now: {key.fingerprint} in {trust(board, host, port, key)}")


@command.command(name="show")
@board_argument
def show(board: BoardProfile) -> None:
    """Show what BOARD is and what edgeproof has put on it."""
    console = Console()
    with open_board(board) as opened:
        facts, inventory = opened.store.facts, opened.store.inventory
    glibc = "not glibc" if facts.glibc is None else f"glibc {facts.glibc[0]}.{facts.glibc[1]}"
    installed = {runtime.digest for runtime in inventory.runtimes}
    runtimes = [
        f"{release.name} {release.version} ({'ready' if release.digest(facts) in installed else 'not provisioned'})"
        for release in fitting_releases(facts)
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in (
        ("machine", facts.machine),
        ("system", f"{facts.os}, Linux {facts.kernel}, {glibc}"),
        ("userland", facts.arch),
        ("python", f"{facts.python_version} ({facts.python_executable})"),
        ("cpus", str(facts.cpu_count)),
        ("memory", f"{facts.memory_mib:.0f} MiB"),
        ("disk free", f"{facts.disk_free_mib:.0f} MiB"),
        ("runtimes", "\n".join(runtimes) or "none fits this board"),
        ("bundles", str(len(inventory.bundles))),
        (
            "apps",
            "\n".join(
                f"{app}: {state.current[:12] if state.current else 'empty'}" for app, state in inventory.apps.items()
            )
            or "none",
        ),
    ):
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    console.print(table)
