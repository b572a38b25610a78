"""A run as a row of the history's tables: what is listed and searched, beside the whole report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeproof.history.environment import environment
from edgeproof.history.fitness import is_void
from edgeproof.record.accuracy.figures import Estimate
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import combined


@dataclass(frozen=True)
class StageFigures:
    samples: int
    p50_ms: float
    p95_ms: float | None
    """None when there were too few samples for it."""


@dataclass(frozen=True)
class MapFigure:
    """mAP over IoU .50 to .95."""

    estimate: Estimate
    data_set: str
    """The digest of what was labelled."""
    pictures: int
    failed: int
    """Pictures without an answer."""


@dataclass(frozen=True)
class KeptRun:
    """A run of a kept report, as a list shows it."""

    report: int
    place: int
    created: str
    board: str
    lineage: str
    variant: str
    digest: str
    runtime: str
    threads: int | None
    answer: str | None
    void: bool
    environment: Mapping[str, str]
    stages: Mapping[str, StageFigures]
    accuracy: MapFigure | None = None

    @property
    def number(self) -> str:
        """What a user types for it: the report's number, and the run's place in it where it is not the first."""
        return str(self.report) if self.place == 0 else f"{self.report}.{self.place}"


def columns_of(run: Run, report: Report) -> dict[str, Any]:
    """The columns of table `runs`, but for the report and the place in it."""
    answer = combined(claim.answer for claim in run.claims).value if run.claims else None
    return {
        "board": run.board.name,
        "lineage": run.bundle.name,
        "variant": run.bundle.variant,
        "digest": run.bundle.digest,
        "runtime": run.runtime.name,
        "threads": None if run.load is None else run.load.threads,
        "answer": answer,
        "void": is_void(run) or run.error is not None,
        "environment": json.dumps(environment(run, report.host)),
    }


def stage_columns(run: Run) -> Iterator[dict[str, Any]]:
    """The columns of table `stages`, but for the run; a stage of which too few were taken to say anything has none."""
    for stage, summary in ({} if run.latency is None else run.latency.stages).items():
        if summary.p50_ms is not None:
            yield {"stage": stage, "samples": summary.runs, "p50_ms": summary.p50_ms, "p95_ms": summary.p95_ms}


def accuracy_columns(run: Run) -> dict[str, Any] | None:
    """The columns of table `accuracies`, but for the run."""
    accuracy = run.accuracy
    if accuracy is None:
        return None
    return {
        "data_set": accuracy.data_set.sha256,
        "pictures": accuracy.data_set.pictures,
        "failed": accuracy.failed,
        "map": accuracy.map.value,
        "map_low": accuracy.map.low,
        "map_high": accuracy.map.high,
    }


def kept_run(
    row: Mapping[str, Any], stages: Sequence[Mapping[str, Any]], accuracy: Mapping[str, Any] | None
) -> KeptRun:
    """The run of a row that has the columns of `runs` and `created`, and of what other tables have of it."""
    try:
        told = json.loads(row["environment"])
    except ValueError:
        told = {}
    facts = {str(fact): str(text) for fact, text in told.items()} if isinstance(told, dict) else {}
    return KeptRun(
        report=row["report_id"],
        place=row["place"],
        created=row["created"],
        board=row["board"],
        lineage=row["lineage"],
        variant=row["variant"],
        digest=row["digest"],
        runtime=row["runtime"],
        threads=row["threads"],
        answer=row["answer"],
        void=row["void"],
        environment=facts,
        stages={one["stage"]: StageFigures(one["samples"], one["p50_ms"], one["p95_ms"]) for one in stages},
        accuracy=None if accuracy is None else _map_figure(accuracy),
    )


def _map_figure(row: Mapping[str, Any]) -> MapFigure:
    estimate = Estimate(row["map"], row["map_low"], row["map_high"])
    return MapFigure(estimate, row["data_set"], row["pictures"], row["failed"])
