"""A report's figures as OpenMetrics text, which GitLab shows beside a merge request."""

from collections.abc import Iterator
from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report, Run

_LATENCY, _PASSED, _SIZE, _MEMORY = (
    "edgeproof_latency_milliseconds",
    "edgeproof_gate_passed",
    "edgeproof_bundle_bytes",
    "edgeproof_peak_memory_mebibytes",
)
_HELP = {
    _LATENCY: "Latency of a stage on the board",
    _PASSED: "1 where a gate passed, 0 where it failed or was inconclusive",
    _SIZE: "Size of the bundle",
    _MEMORY: "Peak resident memory of the agent",
}


def write_openmetrics(report: Report, path: Path) -> None:
    """Writes the text as a whole or not at all."""
    write_atomically(path, openmetrics(report).encode())


def openmetrics(report: Report) -> str:
    """The text. Figures have four significant digits, so that noise in the last ones is no change."""
    families: dict[str, list[str]] = {name: [] for name in _HELP}
    for run in report.runs:
        for name, labels, value in _figures(run):
            line = f"{name}{{{_labels({**_of_run(run), **labels})}}} {value}"
            if line.rpartition(" ")[0] not in {known.rpartition(" ")[0] for known in families[name]}:
                families[name].append(line)
    lines = []
    for name, figures in families.items():
        if figures:
            lines += [f"# TYPE {name} gauge", f"# HELP {name} {_HELP[name]}.", *figures]
    return "\n".join([*lines, "# EOF", ""])


def _figures(run: Run) -> Iterator[tuple[str, dict[str, str], str]]:
    for stage, summary in ({} if run.latency is None else run.latency.stages).items():
        for quantile, value in (("0.5", summary.p50_ms), ("0.95", summary.p95_ms)):
            if value is not None:
                yield _LATENCY, {"stage": stage, "quantile": quantile}, f"{value:.4g}"
    for claim in run.claims:
        yield _PASSED, {"gate": claim.gate}, "1" if claim.answer.value == "pass" else "0"
    yield _SIZE, {}, str(run.bundle.size_bytes)
    if run.peak_rss_mib is not None:
        yield _MEMORY, {}, f"{run.peak_rss_mib:.4g}"


def _of_run(run: Run) -> dict[str, str]:
    labels = {"board": run.board.name, "model": run.bundle.name, "variant": run.bundle.variant}
    labels["runtime"] = run.runtime.name
    if run.load is not None:
        labels["threads"] = str(run.load.threads)
    return labels


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
