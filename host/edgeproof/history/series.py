"""A figure of kept runs over time: those that can be held against each other, and where it moved for good."""

import itertools
from collections.abc import Sequence

from edgeproof.history.change_points import ChangePoint, change_points
from edgeproof.history.kept_run import KeptRun
from edgeproof.record.detections import STAGES

MAP = "map"
FIGURES = (*STAGES, MAP)
"""A stage stands for its median."""
Key = tuple[str, ...]


def figure_of(run: KeptRun, name: str) -> float | None:
    """A stage's median in ms, or mAP; None where the run does not tell it, or what it tells does not count.

    Latencies of a void run are not the bundle's; a mAP for which pictures had no answer is not, either.
    """
    if name == MAP:
        return None if run.accuracy is None or run.accuracy.failed else run.accuracy.estimate.value
    return None if run.void or name not in run.stages else run.stages[name].p50_ms


def series_of(runs: Sequence[KeptRun], name: str) -> dict[Key, list[KeptRun]]:
    """Runs that tell a figure, of one board, model, variant and runtime each; latencies with one number of threads,
    accuracies of one labelled data set."""

    def key(run: KeptRun) -> Key:
        if name == MAP and run.accuracy is not None:
            return run.board, run.lineage, run.variant, run.runtime, run.accuracy.data_set[:6]
        return run.board, run.lineage, run.variant, run.runtime, "" if run.threads is None else f"{run.threads}t"

    usable = sorted((run for run in runs if figure_of(run, name) is not None), key=key)
    return {one: list(some) for one, some in itertools.groupby(usable, key)}


def values_of(runs: Sequence[KeptRun], name: str) -> list[float]:
    """The figure of each run that tells it."""
    return [value for value in (figure_of(run, name) for run in runs) if value is not None]


def changes_of(runs: Sequence[KeptRun], name: str) -> list[ChangePoint]:
    """Where the figure of a series moved for good; none where one is 0, since steps are ratios."""
    values = values_of(runs, name)
    return change_points(values) if min(values) > 0 else []
