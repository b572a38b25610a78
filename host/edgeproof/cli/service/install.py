"""`edgeproof service install`: has a board's systemd run an app on a source."""

from typing import Any

import click

from edgeproof.board.deploy import current_bundle
from edgeproof.board.open_board import open_board
from edgeproof.board.service import (
    LOG_MIB,
    STABLE_SECONDS,
    START_SECONDS,
    WATCHDOG_SECONDS,
    ServiceSettings,
    install_service,
)
from edgeproof.cli.display.service import echo_when_active
from edgeproof.cli.options.board import (
    app_option,
    board_argument,
    cores_option,
    delegate_option,
    runtime_option,
    threads_option,
)
from edgeproof.cli.options.capture import camera_options, capture_settings
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof_agent.serve.cpu_choice import ALL
from edgeproof_agent.sources.grammar import SourceNameError, parse_source
from edgeproof_agent.store.services.description import SYSTEM, USER

_SOURCES = "camera:N, camera:NAME, picamera:N, rtsp://..., http://... or watch:FOLDER, all of the board"


@click.command(name="install", cls=BoardCommand)
@board_argument
@app_option
@click.option("--source", required=True, metavar="SOURCE", help=f"{_SOURCES}.")
@click.option("--system", is_flag=True, help="Keep it with the system's systemd, through sudo, not the login user's.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Write down from here on."
)
@click.option(
    "--log-mib",
    type=click.IntRange(1, 1 << 20),
    default=LOG_MIB,
    show_default=True,
    help="What its detections may take on the board's disk; the oldest go first.",
)
@click.option(
    "--start-seconds",
    type=click.FloatRange(1, 86_400),
    default=START_SECONDS,
    show_default=True,
    help="A bundle that is not active so long after its start has failed.",
)
@click.option(
    "--stable-seconds",
    type=click.FloatRange(0, 86_400),
    default=STABLE_SECONDS,
    show_default=True,
    help="A new bundle that has been active for so long is healthy.",
)
@click.option(
    "--watchdog-seconds",
    type=click.FloatRange(30, 86_400),
    default=WATCHDOG_SECONDS,
    show_default=True,
    help="Start it again when its inference loop stands still for so long.",
)
@camera_options
@runtime_option
@threads_option
@cores_option
@delegate_option
def command(
    board: BoardProfile,
    app: str | None,
    source: str,
    system: bool,
    min_score: float,
    log_mib: int,
    start_seconds: float,
    stable_seconds: float,
    watchdog_seconds: float,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    delegate: str | None,
    **capture: Any,
) -> None:
    """Have BOARD run an app on a source from now on, in place of an earlier service of that app.

    It starts with the board, waits for a camera that is away, and takes every bundle that is pushed to the app: one
    that is not healthy in three tries is given up, and the one of before comes back.
    """
    try:
        parsed = parse_source(source)
    except SourceNameError as error:
        raise UsageError(str(error)) from error
    settings = ServiceSettings(
        scope=SYSTEM if system else USER,
        min_score=min_score,
        log_mib=log_mib,
        threads=threads,
        cores=cores or ALL,
        delegate=delegate,
        start_seconds=start_seconds,
        stable_seconds=stable_seconds,
        watchdog_seconds=watchdog_seconds,
    )
    with open_board(board) as opened:
        name, _ = current_bundle(opened, app)
        install_service(opened, name, parsed, capture_settings(**capture), settings, runtime)
        echo_when_active(opened, name, start_seconds)
