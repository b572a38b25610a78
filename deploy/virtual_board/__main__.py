"""`python -m deploy.virtual_board up|down|ssh|logs|status`."""

import os
import sys
import time
from pathlib import Path

import click
from rich.console import Console

from deploy.virtual_board.artefacts import boards_folder
from deploy.virtual_board.board import VirtualBoard
from deploy.virtual_board.errors import VirtualBoardError
from deploy.virtual_board.recipe import SUITES
from edgeproof.cli.display.progress import shown_progress
from edgeproof.config.boards import CONFIG_FILE
from edgeproof.errors import EdgeproofError

name_option = click.option("--name", default="virtual", show_default=True, help="Which board, when there are several.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """An emulated ARM board with Debian, a camera and OpenSSH, on 127.0.0.1. It has no internet."""


@cli.command()
@name_option
@click.option("--suite", type=click.Choice(list(SUITES)), default="bookworm", show_default=True)
@click.option("--port", type=click.IntRange(1024, 65535), help="Port on 127.0.0.1.  [default: a free one]")
@click.option("--memory", "memory_mib", type=click.IntRange(256, 65536), default=1024, show_default=True, help="MiB.")
@click.option("--keep-disk", is_flag=True, help="Keep what is written to the disk for the next start.")
def up(name: str, suite: str, port: int | None, memory_mib: int, keep_disk: bool) -> None:
    """Build the board if the cache lacks it, start it, and say how to use it."""
    board = VirtualBoard(_folder(name), SUITES[suite], name)
    running = board.running_suite()
    if running is not None and running.name != suite:
        raise VirtualBoardError(
            f"{name} runs {running.name}. Stop it (python -m deploy.virtual_board down --name {name}), or choose "
            "another --name."
        )
    if running is None:
        started = time.monotonic()
        with shown_progress(Console(stderr=True)) as progress:
            board.start(port, memory_mib, keep_disk, progress=progress)
        click.echo(f"{name} is ready after {time.monotonic() - started:.1f} s: {board.suite.description}")
    _tell_how_to_use(board)


@cli.command()
@name_option
def down(name: str) -> None:
    """Stop the board. Its logs stay until the next start."""
    click.echo(f"{name} is stopped" if VirtualBoard(_folder(name), name=name).stop() else f"{name} does not run")


@cli.command()
@name_option
def status(name: str) -> None:
    """Say whether the board runs, and how to use it; exit status 1 when it does not."""
    board = VirtualBoard(_folder(name), name=name)
    running = board.running_suite()
    if running is None:
        click.echo(f"{name} does not run")
        sys.exit(1)
    click.echo(f"{name} runs: {running.description}")
    _tell_how_to_use(board)


@cli.command(context_settings={"ignore_unknown_options": True})
@name_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, words: tuple[str, ...]) -> None:
    """Log in, or run a command there."""
    command = VirtualBoard(_folder(name), name=name).ssh_command(list(words))
    os.execvp(command[0], command)


@cli.command()
@name_option
def logs(name: str) -> None:
    """Show the console: the kernel's messages and the SSH server's log."""
    for line in VirtualBoard(_folder(name), name=name).log_lines():
        click.echo(line)


def _folder(name: str) -> Path:
    return boards_folder() / "running" / name


def _tell_how_to_use(board: VirtualBoard) -> None:
    config = board.folder / CONFIG_FILE
    config.write_text(board.configuration())
    click.echo(f"\n{board.configuration()}\nAdd this to your {CONFIG_FILE}, or use it as it is:\n")
    click.echo(f"  export EDGEPROOF_CONFIG={config}\n  edgeproof board doctor {board.name}")


def main() -> None:
    try:
        cli.main(prog_name="python -m deploy.virtual_board", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except EdgeproofError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
