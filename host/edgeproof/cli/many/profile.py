"""`edgeproof profile` on many boards."""

import tempfile
from functools import partial
from pathlib import Path

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.measuring import measure_on_many
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.cli.profile import EXPECTED_SECONDS
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.report.text.profile import print_profiles
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.plan import ProfilePlan, RunPlan
from edgeproof.runs.run import execute
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import ProgressListener


def run(
    fleet: FleetOptions,
    bundles: tuple[Path, ...],
    image: Path | None,
    runs: int,
    top: int,
    out: Path | None,
    as_json: bool,
    app: str | None,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    wait: float,
) -> int:
    if bundles and app is not None:
        raise UsageError("BUNDLE and --app name two models: leave one out.")
    folder = None if out is None else OutputFolder.open(out)
    picture = read_picture(image) if image else generated_picture()
    opened_bundles = [open_bundle(bundle) for bundle in bundles]

    def measure(board: BoardProfile, progress: ProgressListener) -> list[Run]:
        with (
            tempfile.TemporaryDirectory() as scratch,
            open_board(board) as opened,
            opened.store.leased("profile", EXPECTED_SECONDS, wait, progress),
        ):
            plan = RunPlan(
                OutputFolder.open(Path(scratch)), profile=ProfilePlan(picture, runs), threads=threads, cores=cores
            )
            own = [bundle_to_run(opened, None, bundle, progress) for bundle in opened_bundles]
            found = []
            for digest in own or [bundle_to_run(opened, app, None, progress)]:
                with start_agent(opened, choose_runtime(opened, runtime)) as agent:
                    found.append(execute(opened, agent, digest, plan, progress))
            return found

    return measure_on_many(fleet, measure, _words, partial(_show, top), folder, as_json)


def _words(run: Run) -> str:
    if run.profile is None or run.profile.unavailable is not None:
        return f"no profile: {None if run.profile is None else run.profile.unavailable}"
    return f"{run.bundle.variant}: {counted(len(run.profile.operators), 'operator')}"


def _show(top: int, report: Report, console: Terminal) -> None:
    print_profiles(report.runs, console, top)
