"""`edgeproof rollback` on many boards."""

from edgeproof.board.deploy import current_bundle, roll_back
from edgeproof.board.open_board import open_board
from edgeproof.cli.many.fleet_work import run_job
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.boards import BoardProfile
from edgeproof.fleet.outcome import Done
from edgeproof.wording.progress import ProgressListener


def run(fleet: FleetOptions, app: str | None, runtime: str | None) -> int:
    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        with open_board(board) as opened:
            name, _ = current_bundle(opened, app)
            done = roll_back(opened, name, runtime, progress)
        before = f", before {done.before[:12]}" if done.before else ""
        data = {"app": done.app, "digest": done.digest, "before": done.before}
        return Done(f"{done.app} serves {done.digest[:12]} again{before}", data)

    return run_job(fleet, job)
