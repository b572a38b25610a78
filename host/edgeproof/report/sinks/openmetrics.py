"""A report's figures as OpenMetrics text, which GitLab shows beside a merge request."""

from collections.abc import Mapping
from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report
from edgeproof.report.sinks.figures import MEANINGS, figures_of, labels_of


def write_openmetrics(report: Report, path: Path) -> None:
    """Writes the text as a whole or not at all."""
    write_atomically(path, openmetrics(report).encode())


def openmetrics(report: Report) -> str:
    """The text. Figures have four significant digits, so that noise in the last ones is no change."""
    families: dict[str, dict[str, str]] = {name: {} for name in MEANINGS}
    for run in report.runs:
        for figure in figures_of(run):
            labels = _labels({**labels_of(run), **figure.labels})
            value = str(figure.value) if isinstance(figure.value, int) else f"{figure.value:.4g}"
            families[figure.name].setdefault(f"{figure.name}{{{labels}}}", value)
    lines = []
    for name, figures in families.items():
        if figures:
            lines += [f"# TYPE {name} gauge", f"# HELP {name} {MEANINGS[name]}."]
            lines += [f"{series} {value}" for series, value in figures.items()]
    return "\n".join([*lines, "# EOF", ""])


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
