"""A run's figures by name, as dashboards take them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgeproof.record.run import Run
from edgeproof.record.verdict.claims import Answer

LATENCY, PASSED, SIZE, MEMORY = (
    "edgeproof_latency_milliseconds",
    "edgeproof_gate_passed",
    "edgeproof_bundle_bytes",
    "edgeproof_peak_memory_mebibytes",
)
MEANINGS: Mapping[str, str] = {
    LATENCY: "Latency of a stage on the board",
    PASSED: "1 where a gate passed, 0 where it failed or was inconclusive",
    SIZE: "Size of the bundle",
    MEMORY: "Peak resident memory of the agent",
}


@dataclass(frozen=True)
class Figure:
    """One number of a run."""

    name: str
    """One of `MEANINGS`."""
    labels: Mapping[str, str]
    """What tells it from the run's other figures of that name."""
    value: float


def figures_of(run: Run) -> Iterator[Figure]:
    """What was measured of it; what was not has no figure."""
    for stage, summary in ({} if run.latency is None else run.latency.stages).items():
        for quantile, value in (("0.5", summary.p50_ms), ("0.95", summary.p95_ms)):
            if value is not None:
                yield Figure(LATENCY, {"stage": stage, "quantile": quantile}, value)
    for claim in run.claims:
        yield Figure(PASSED, {"gate": claim.gate}, int(claim.answer is Answer.PASS))
    yield Figure(SIZE, {}, run.bundle.size_bytes)
    if run.peak_rss_mib is not None:
        yield Figure(MEMORY, {}, run.peak_rss_mib)


def labels_of(run: Run) -> dict[str, str]:
    """What tells a run from the others of its report."""
    labels = {"board": run.board.name, "model": run.bundle.name, "variant": run.bundle.variant}
    labels["runtime"] = run.runtime.name
    if run.load is not None:
        labels["threads"] = str(run.load.threads)
    return labels
