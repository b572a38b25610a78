"""`edgeproof status` of many boards: what each serves, one line a board."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgeproof.board.open_board import open_board
from edgeproof.board.store.status import AppStatus, BoardStatus, read_status
from edgeproof.cli.display.apps import describe_age
from edgeproof.cli.many.fleet_work import run_job
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.fleet.outcome import Done
from edgeproof.wording.progress import ProgressListener


def run(fleet: FleetOptions, app: str | None, as_json: bool) -> int:
    def job(board: BoardProfile, progress: ProgressListener) -> Done:  # noqa: ARG001
        return status_of(board, app)

    return run_job(fleet, job, as_json)


def status_of(board: BoardProfile, app: str | None) -> Done:
    with open_board(board) as opened:
        status = read_status(opened.store)
    apps: Mapping[str, AppStatus] = {name: links for name, links in status.apps.items() if app in (None, name)}
    if app is not None and not apps:
        raise UsageError(f"{board.name} has no app {app}: it has {', '.join(status.apps) or 'none'}")
    served = [f"{name} {served_words(links)}" for name, links in apps.items()]
    words = "; ".join(served) or "serves nothing"
    data: dict[str, Any] = asdict(status)
    return Done(f"{words}; {_free(status)}", {**data, "apps": {name: data["apps"][name] for name in apps}}, result=apps)


def served_words(links: AppStatus) -> str:
    """What an app points at since when."""
    if links.current is None:
        return "points at nothing"
    return f"{links.current.digest[:8]} {links.current.variant}, {describe_age(links.current.age_seconds)}"


def _free(status: BoardStatus) -> str:
    return f"{status.free_bytes / 1e6:.0f} MB free"
