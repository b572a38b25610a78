"""What every command on many boards does around its job: the table, the summary, the retry file, the exit status."""

import json
from collections.abc import Sequence
from pathlib import Path

from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.fleet_view import print_outcomes, print_retry, print_summary, shown_fleet
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.fleet import DEFAULT_FORKS, read_fleet
from edgeproof.fleet.outcome import Outcome, worst_status
from edgeproof.fleet.retry_file import write_retry_file
from edgeproof.fleet.side_by_side import InterruptedWorkError, Job, side_by_side
from edgeproof.local_files.atomic_file import write_atomically

SCHEMA = "edgeproof.fleet/1"
EXIT_INTERRUPTED = 130
_FOLDER = Path("build/fleet")


def run_job(fleet: FleetOptions, job: Job, as_json: bool = False) -> int:
    """Does the job on all boards and tells what came of it; returns the exit status."""
    console = Terminal(stderr=as_json)
    interrupted = False
    try:
        outcomes = work(fleet, job, console)
    except InterruptedWorkError as interrupt:
        outcomes, interrupted = interrupt.outcomes, True
    status = tell(fleet, outcomes, console, as_json)
    return EXIT_INTERRUPTED if interrupted else status


def work(fleet: FleetOptions, job: Job, console: Terminal) -> list[Outcome]:
    with shown_fleet([board.name for board in fleet.boards], console) as listen:
        return side_by_side(fleet.boards, job, forks_of(fleet), listen)


def tell(fleet: FleetOptions, outcomes: Sequence[Outcome], console: Terminal, as_json: bool = False) -> int:
    """The table, the summary, the retry file and what was asked for as JSON; returns the exit status."""
    print_outcomes(outcomes, console)
    print_summary(outcomes, console)
    retry = fleet.retry_file or _FOLDER / f"{fleet.command}-retry.txt"
    if write_retry_file(outcomes, retry):
        print_retry(retry, sum(outcome.may_succeed for outcome in outcomes), console)
    if fleet.results is not None:
        write_atomically(fleet.results, as_document(fleet.command, outcomes).encode())
    if as_json:
        echo(as_document(fleet.command, outcomes), nl=False)
    return worst_status(outcomes)


def as_document(command: str, outcomes: Sequence[Outcome]) -> str:
    """Schema edgeproof.fleet/1."""
    document = {
        "schema": SCHEMA,
        "command": command,
        "status": worst_status(outcomes),
        "boards": [outcome.to_json() for outcome in outcomes],
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def forks_of(fleet: FleetOptions) -> int:
    if fleet.forks is not None:
        return fleet.forks
    return DEFAULT_FORKS if fleet.config is None else read_fleet(fleet.config).forks
