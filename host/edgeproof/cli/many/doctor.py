"""`edgeproof board doctor` on many boards: what is wrong with each, in a line."""

from edgeproof.board.doctor.diagnosis import diagnose
from edgeproof.board.doctor.finding import Level
from edgeproof.cli.many.fleet_work import run_job
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.boards import BoardProfile
from edgeproof.fleet.outcome import OK, UNHEALTHY, Done
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import ProgressListener


def run(fleet: FleetOptions, as_json: bool) -> int:
    def job(board: BoardProfile, progress: ProgressListener) -> Done:  # noqa: ARG001
        diagnosis = diagnose(board)
        bad = [f"{finding.name}: {finding.value}" for finding in diagnosis.findings if finding.level is Level.BAD]
        warnings = diagnosis.count(Level.WARNING)
        parts = bad + [counted(warnings, "warning")] * bool(warnings)
        return Done("; ".join(parts) or "well", diagnosis.to_json(), OK if diagnosis.healthy else UNHEALTHY)

    return run_job(fleet, job, as_json)
