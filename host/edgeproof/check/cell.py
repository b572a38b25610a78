"""A cell of a check: one bundle on one board under one runtime with one number of threads, and how it is measured.

A cell is plain data and can be pickled, and `measure` makes a record of it: any engine can carry it out.
"""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeproof.board.deploy import choose_runtime, send_bundle, start_agent
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.bundle import open_bundle
from edgeproof.config.boards import BoardProfile
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Run
from edgeproof.runs.accuracy import with_references
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.pictures import PictureFile
from edgeproof.runs.plan import AccuracyPlan, BenchPlan, RunPlan
from edgeproof.runs.reference import open_reference, reference_runtime
from edgeproof.runs.run import execute
from edgeproof.runs.variant_beside import parity_plan
from edgeproof.verify.gate_text import Gate, Quantity
from edgeproof.verify.gates import evaluate, further_runs
from edgeproof.verify.latency import samples_needed
from edgeproof.wording.progress import ProgressListener, silent

_FEWEST_RUNS = 64
_WARMUP_RUNS = 5


@dataclass(frozen=True)
class Cell:
    bundle: Path
    bundle_digest: str
    variant: str
    board: BoardProfile
    gates: tuple[Gate, ...]
    runtime: str | None = None
    """None: the board's preferred one."""
    threads: int | None = None
    """None: the board's own choice."""
    cores: str = "all"
    """CPUs of the board to run on: all, or the big ones alone."""
    delegate: str | None = None
    """External delegate on the board; None: none."""
    pictures: tuple[PictureFile, ...] = ()
    """For parity."""
    data_set: LabelledDataSet | None = None
    """For accuracy."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Class of the data set to label of the model."""
    common_classes: bool = False
    """Whether classes of the data set that the model does not know are left out."""
    arrived: Path | None = None
    """The folder where results of the data set are written as they arrive; None: none are kept."""
    picture: Path | None = None
    """What latency is measured on; None: a generated one."""
    min_score: float = 0.5
    runs: int | None = None
    """None: as many as the gates need."""
    seconds: float = 120.0
    """The most that latency may take."""
    cool_down_seconds: float = 0.0
    """The longest to wait ahead of it for a hot board to cool down."""
    wait_seconds: float = 0.0
    """The longest to wait for a board that somebody else measures on."""

    @property
    def title(self) -> str:
        parts = [f"{self.variant} on {self.board.name}"]
        if self.runtime is not None:
            parts.append(self.runtime)
        if self.threads is not None:
            parts.append(f"{self.threads} threads" if self.threads > 1 else "1 thread")
        if self.cores != "all":
            parts.append(f"{self.cores} cores")
        if self.delegate is not None:
            parts.append(self.delegate.rpartition("/")[2])
        return ", ".join(parts)

    @property
    def first_runs(self) -> int:
        """What the percentiles of the gates need at the least."""
        percents = [gate.percent for gate in self.gates if gate.percent]
        return self.runs or max([_FEWEST_RUNS, *map(samples_needed, percents)])


def measure(cell: Cell, progress: ProgressListener = silent) -> Run:
    """Connects to the cell's board and measures there: see `measure_on`."""
    with open_board(cell.board) as board:
        return measure_on(board, cell, progress)


def measure_on(board: OpenBoard, cell: Cell, progress: ProgressListener = silent) -> Run:
    """Measures a cell and holds its gates against it. The bundle is sent if the board lacks it; no app is switched.

    A run that the board cut short says so in its `error`. Raises what keeps it from starting: `BoardError`,
    `BundleError`, `UsageError`.
    """
    bundle = open_bundle(cell.bundle)
    picture = generated_picture() if cell.picture is None else read_picture(cell.picture)
    bench = BenchPlan(
        picture,
        cell.first_runs,
        _WARMUP_RUNS,
        cell.seconds,
        cell.cool_down_seconds,
        settle=True,
        further_runs=lambda run: 0 if cell.runs is not None else further_runs(cell.gates, run),
    )
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        expected = cell.seconds + cell.cool_down_seconds
        stack.enter_context(board.store.leased(f"check {cell.variant}", expected, cell.wait_seconds, progress))
        send_bundle(board.store, bundle, progress)
        plan = RunPlan(
            OutputFolder.open(scratch),
            bench=bench,
            threads=cell.threads,
            cores=cell.cores,
            delegate=cell.delegate,
            min_score=cell.min_score,
        )
        if cell.pictures:
            reference = stack.enter_context(open_reference())
            runtime = reference_runtime(reference, choose_runtime(board, cell.runtime).name, progress)
            send_bundle(reference.store, bundle, progress)
            plan = replace(plan, parity=parity_plan(reference, bundle, cell.pictures, runtime, progress))
        if cell.data_set is not None:
            kept = scratch / "arrived" if cell.arrived is None else cell.arrived
            accuracy = AccuracyPlan(cell.data_set, kept, cell.renames, cell.common_classes)
            # What gates hold it against is run here, and nothing else: that takes as long as on the board.
            variants = [gate.reference for gate in cell.gates if gate.quantity is Quantity.MAP_DROP]
            runtime = choose_runtime(board, cell.runtime).name
            held = with_references(accuracy, bundle, variants, runtime, progress)
            plan = replace(plan, accuracy=stack.enter_context(held))
        agent = stack.enter_context(start_agent(board, choose_runtime(board, cell.runtime)))
        run = execute(board, agent, bundle.digest, plan, progress)
    return replace(run, claims=evaluate(cell.gates, run))


def needs_accuracy(gates: tuple[Gate, ...]) -> bool:
    return any(gate.quantity in (Quantity.MAP, Quantity.MAP_50, Quantity.MAP_DROP) for gate in gates)


def needs_parity(gates: tuple[Gate, ...]) -> bool:
    return any(gate.quantity is Quantity.DIFFERING for gate in gates)
