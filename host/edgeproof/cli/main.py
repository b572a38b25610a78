"""The `edgeproof` command. A subcommand's module is imported when it is used, which keeps `edgeproof --help` fast."""

import importlib
import os
import sys
import traceback
from typing import NoReturn

import click

from edgeproof import __version__
from edgeproof.errors import EdgeproofError

EXIT_ERROR = 2

# name -> what `edgeproof --help` says of it; the command itself is `command` in edgeproof.cli.NAME.
COMMANDS = {
    "sample": "Fetch a real pretrained SSD with photos to try edgeproof on.",
    "export": "Convert and quantize an SSD to bundles that a board can run.",
    "inspect": "Show what a .tflite or a bundle is, and what is wrong with it.",
    "board": "Trust a board's host key, or ask what a board is.",
    "provision": "Set up the TFLite runtime on a board.",
    "push": "Put a bundle on a board, check it there, and switch to it.",
    "detect": "Run a board's detector on pictures.",
    "bench": "Measure a detector's latency on a board.",
    "demo": "Show the whole chain on a board that edgeproof starts itself.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"edgeproof.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgeproof")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's own log.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Take an SSD detector from a TensorFlow model to a proof on an ARM board.

    BOARD is user@host[:port] or the name of a board in edgeproof.toml.
    """
    ctx.obj = {"debug": debug}


def main() -> None:
    """Runs the command line; errors become a message and exit code 2."""
    debug = "--debug" in sys.argv
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_ERROR)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted.", err=True)
        sys.exit(130)
    except EdgeproofError as error:
        _fail(str(error), debug)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); Python must not complain of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_ERROR)
    except OSError as error:
        _fail(f"{error.filename or 'output'}: {error.strerror or error}", debug)


def _fail(message: str, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    click.secho("error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(message, err=True)
    sys.exit(EXIT_ERROR)
