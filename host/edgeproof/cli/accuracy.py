"""`edgeproof accuracy`: mAP on a labelled data set, measured on the board."""

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

import click

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import echo_report, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import app_option, board_argument, json_option, runtime_option, threads_option
from edgeproof.cli.options.data_set import class_renames, data_set_options
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import EdgeproofError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.accuracy.coco_results import write_found_objects, write_labelled_objects
from edgeproof.record.run import Report, Run
from edgeproof.report.text.terminal import print_report
from edgeproof.runs.accuracy import classes_of, with_references
from edgeproof.runs.plan import AccuracyPlan, RunPlan
from edgeproof.runs.run import execute
from edgeproof.runs.variant_beside import FLOAT32
from edgeproof.wording.progress import ProgressListener

_KEPT = "arrived"
_TRUTH, _DETECTIONS = "ground_truth.json", "detections.json"


@click.command(name="accuracy", cls=BoardCommand)
@board_argument
@data_set_options
@click.option(
    "--bundle", "bundles", multiple=True, type=PATH, help="Run this bundle (or several in turn); no app is switched."
)
@click.option(
    "--no-reference", is_flag=True, help="Run nothing on this machine: hold the board against the labels alone."
)
@click.option("--out", type=PATH, default=Path("build/accuracy"), show_default=True, help="Folder for the results.")
@json_option
@app_option
@runtime_option
@threads_option
def command(
    board: BoardProfile,
    data: Path,
    images_root: Path | None,
    split: str | None,
    renames: tuple[str, ...],
    common_classes: bool,
    bundles: tuple[Path, ...],
    no_reference: bool,
    out: Path,
    as_json: bool,
    app: str | None,
    runtime: str | None,
    threads: int | None,
) -> None:
    """Run a labelled data set through BOARD's detector: mAP with its interval, classes, sizes, kinds of error.

    DATASET is COCO's JSON file, a folder of PASCAL VOC, or YOLO's data.yaml. A bundle that is named with --bundle is
    run on this machine, too, and so is the float32 bundle beside it: the difference is told with its interval.

    Results are kept as they arrive: the same command goes on where it was interrupted. Writes OUT/detections.json and
    OUT/ground_truth.json (COCO) and a report.
    """
    data_set = open_data_set(data, images_root, split)
    opened = [open_bundle(path) for path in bundles]
    folder = OutputFolder.open(out)
    plan = AccuracyPlan(data_set, out / _KEPT, class_renames(renames), common_classes)
    for bundle in opened:
        classes_of(
            data_set, bundle.manifest, bundle.labels(), plan.renames, common_classes
        )  # a mistake costs no trip to the board
    console = Terminal(stderr=as_json)  # standard output is the document's
    runs = []
    with folder.sealed(), open_board(board) as there, shown_progress(console) as progress:
        folder.hold()
        run_plan = RunPlan(folder, threads=threads)
        wanted: list[Bundle | None] = [*opened] or [None]
        for bundle_or_app in wanted:
            runs.append(_run(there, app, bundle_or_app, runtime, run_plan, plan, no_reference, progress))
    report = Report.now(tuple(runs))
    if not as_json:
        print_report(report, console)
    with folder.sealed():
        _write_boxes(report, folder)
        write_report_files(report, folder, console)
    with shown_progress(console) as progress:
        keep_report(report, progress)
    if as_json:
        echo_report(report, folder.path)
    broken = [run.error for run in runs if run.error is not None]
    if broken:
        raise EdgeproofError(f"{broken[0]}\nWhat had arrived is kept: the same command goes on from there.")
    shutil.rmtree(out / _KEPT, ignore_errors=True)


def _run(
    there: OpenBoard,
    app: str | None,
    bundle: Bundle | None,
    runtime: str | None,
    plan: RunPlan,
    accuracy: AccuracyPlan,
    no_reference: bool,
    progress: ProgressListener,
) -> Run:
    stored = choose_runtime(there, runtime)
    digest = bundle_to_run(there, app, bundle, progress)
    with contextlib.ExitStack() as stack:
        if bundle is not None and not no_reference:
            variants = (bundle.manifest.variant, FLOAT32)
            accuracy = stack.enter_context(with_references(accuracy, bundle, variants, stored.name, progress))
        agent = stack.enter_context(start_agent(there, stored))
        return execute(there, agent, digest, replace(plan, accuracy=accuracy), progress)


def _write_boxes(report: Report, folder: OutputFolder) -> None:
    """The boxes in COCO's formats: of several runs each in a folder of its own."""
    measured = [run for run in report.runs if run.accuracy is not None]
    for place, run in enumerate(measured):
        if run.accuracy is None or run.accuracy.samples is None:
            continue
        labels = {one.category_id: one.label for one in run.accuracy.classes}
        if place == 0:
            write_labelled_objects(folder.claim(_TRUTH)[0], run.accuracy.samples, labels)
        name = _DETECTIONS if len(measured) == 1 else f"{place + 1}-{run.bundle.variant}/{_DETECTIONS}"
        write_found_objects(folder.claim(name)[0], run.accuracy.samples)
