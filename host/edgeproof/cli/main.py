"""The `edgeproof` command. A subcommand's module is imported when it is used, which keeps `edgeproof --help` fast."""

import errno
import sys
import traceback
from typing import NoReturn

import click

from edgeproof import __version__
from edgeproof.cli.display.echo import echo, echo_heading, is_unread, show_usage_error
from edgeproof.cli.options.lazy_group import LazyGroup
from edgeproof.errors import EdgeproofError

EXIT_ERROR = 2
EXIT_READER_GONE = 141
"""As of a program that SIGPIPE has ended, where all else went well: nobody has read it."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# name -> what `edgeproof --help` says of it; the command itself is `command` in edgeproof.cli.NAME.
COMMANDS = {
    "sample": "Fetch a real pretrained SSD with photos to try edgeproof on.",
    "export": "Convert and quantize an SSD to bundles that a board can run.",
    "identify": "Measure on pictures what an SSD's boxes and input mean, and with which options to say it.",
    "inspect": "Show what a .tflite or a bundle is, and what is wrong with it.",
    "fleet": "Look at many boards together: what they serve, and who departs from it.",
    "board": "Add, list and remove boards, trust their host keys, ask what is wrong with one.",
    "provision": "Set up the TFLite runtime on a board.",
    "push": "Put a bundle on a board, check it there, and switch to it.",
    "rollback": "Switch an app on a board back to its previous bundle.",
    "status": "Show what a board serves since when, and what is on it.",
    "app": "List and remove the apps of a board.",
    "prune": "Drop from a board what nothing points to.",
    "detect": "Run a board's detector on pictures.",
    "watch": "Look at a camera, stream or video through a board's detector, live.",
    "service": "Keep a detector running on a board, and bring home what it finds.",
    "bench": "Measure a detector's latency on a board, or compare two.",
    "accuracy": "Measure mAP on a labelled data set on a board, against the same here.",
    "profile": "Show what each operator of a model takes on a board.",
    "parity": "Hold a board against this machine: the first step where they part.",
    "check": "Measure, and answer whether your gates hold: pass, fail or inconclusive.",
    "history": "List earlier reports, where figures changed, and name baselines.",
    "compare": "Compare two earlier runs, and what changed around them.",
    "recommend": "Name the cheapest of the measured cells that passes the gates, and the front.",
    "verify": "Check a report: who signed it, and whether it follows from its samples.",
    "report": "Print a report again, and make its HTML page.",
    "worker": "Offer boards near this machine to a Dask cluster.",
    "demo": "Show the whole chain on a board that edgeproof starts itself.",
    "help": "Explain a topic or a command: boards, config, gates, sources, exit, shell.",
}


@click.group(
    cls=LazyGroup,
    package="edgeproof.cli",
    summaries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="edgeproof")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's own log.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Take an SSD detector from a TensorFlow model to a proof on an ARM board.

    BOARD is user@host[:port] or the name of a board in edgeproof.toml; where many are meant a group, tag:NAME, a glob,
    all, @FILE, or several with commas between.
    """
    ctx.obj = {"debug": debug}


def main() -> None:
    """Runs the command line; errors become a message and exit code 2."""
    try:
        _run("--debug" in sys.argv)
    except SystemExit as ended:
        if is_unread() and not ended.code:
            sys.exit(EXIT_READER_GONE)
        raise


def _run(debug: bool) -> NoReturn:
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.ClickException as error:
        show_usage_error(error)
        sys.exit(EXIT_ERROR)
    except click.Abort:  # click has ended the line
        echo("Interrupted.", err=True)
        sys.exit(130)
    except EdgeproofError as error:
        _fail(str(error), debug)
    except OSError as error:
        remedy = " Free some space there, or write elsewhere." if error.errno in _FULL else ""
        _fail(f"{error.filename or 'output'}: {error.strerror or error}.{remedy}", debug)


def _fail(message: str, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    echo_heading("error: ")
    echo(message, err=True)
    sys.exit(EXIT_ERROR)
