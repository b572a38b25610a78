"""`edgeproof provision` on many boards."""

from dataclasses import asdict

from edgeproof.cli.many.fleet_work import run_job
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.cli.provision import describe_runtime, provision_board
from edgeproof.config.boards import BoardProfile
from edgeproof.fleet.outcome import Done
from edgeproof.wording.progress import ProgressListener


def run(fleet: FleetOptions, runtimes: tuple[str, ...]) -> int:
    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        done = provision_board(board, runtimes, progress)
        data = {"runtimes": [asdict(runtime) for runtime in done]}
        return Done("; ".join(describe_runtime(runtime) for runtime in done), data)

    return run_job(fleet, job)
