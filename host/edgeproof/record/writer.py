"""Writes report.json, and the raw samples beside it."""

import json
from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report
from edgeproof.record.sample_file import write_samples


def sample_names(report: Report) -> dict[int, str]:
    """The files of raw samples that belong to a report, by the run's place in it."""
    return {place: f"samples/{place}.i64" for place, run in enumerate(report.runs) if _has_samples(report, place)}


def write_report(report: Report, path: Path) -> None:
    """Writes the report in its schema, as a whole or not at all, after its samples."""
    document = report.to_json(path.parent)
    for place, name in sample_names(report).items():
        latency = report.runs[place].latency
        assert latency is not None
        sha256 = write_samples(path.parent / name, latency.samples_ns)
        file = {"file": name, "sha256": sha256, "stages": list(latency.samples_ns)}
        document["runs"][place]["latency"]["samples"] = file
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode("utf-8", "backslashreplace"))


def _has_samples(report: Report, place: int) -> bool:
    latency = report.runs[place].latency
    return latency is not None and bool(latency.samples_ns)
