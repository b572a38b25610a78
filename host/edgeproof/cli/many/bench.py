"""`edgeproof bench` on many boards."""

import tempfile
from pathlib import Path

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.bench import EXPECTED_SECONDS, IDLE_SECONDS
from edgeproof.cli.many.measuring import measure_on_many
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Run
from edgeproof.report.text.terminal import print_report
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.plan import BenchPlan, RunPlan
from edgeproof.runs.run import execute
from edgeproof.wording.progress import ProgressListener


def run(
    fleet: FleetOptions,
    contenders: tuple[str, ...],
    image: Path | None,
    runs: int,
    warmup: int,
    pairs: int,  # noqa: ARG001  # of a comparison
    out: Path | None,
    as_json: bool,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    delegate: str | None,
    wait: float,
) -> int:
    if contenders:
        raise UsageError("A and B are compared on one board: name it, or leave A and B out.")
    folder = None if out is None else OutputFolder.open(out)
    picture = read_picture(image) if image else generated_picture()
    opened_bundle = open_bundle(bundle) if bundle else None
    bench = BenchPlan(picture, runs, warmup, idle_seconds=IDLE_SECONDS)

    def measure(board: BoardProfile, progress: ProgressListener) -> list[Run]:
        with (
            tempfile.TemporaryDirectory() as scratch,
            open_board(board) as opened,
            opened.store.leased("bench", EXPECTED_SECONDS, wait, progress),
        ):
            digest = bundle_to_run(opened, app, opened_bundle, progress)
            plan = RunPlan(
                OutputFolder.open(Path(scratch)), bench=bench, threads=threads, cores=cores, delegate=delegate
            )
            with start_agent(opened, choose_runtime(opened, runtime)) as agent:
                return [execute(opened, agent, digest, plan, progress)]

    return measure_on_many(fleet, measure, latency_words, print_report, folder, as_json)


def latency_words(run: Run) -> str:
    """`total p50 12.3 ms, p95 13.1 ms`, as far as the samples carry it."""
    total = None if run.latency is None else run.latency.stages.get("total")
    if total is None:
        return "nothing measured"
    known = [(name, value) for name, value in (("p50", total.p50_ms), ("p95", total.p95_ms)) if value is not None]
    return "total " + (", ".join(f"{name} {value:.1f} ms" for name, value in known) or f"mean {total.mean_ms:.1f} ms")
