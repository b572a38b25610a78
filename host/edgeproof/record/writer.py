"""Writes report.json, and the raw samples beside it."""

import json
from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.accuracy.samples import write_accuracy_samples
from edgeproof.record.run import Report
from edgeproof.record.sample_file import write_samples


def sample_names(report: Report) -> list[str]:
    """The files of raw samples that belong to a report."""
    latency = [_latency_file(place) for place in range(len(report.runs)) if _has_latency(report, place)]
    return latency + [_accuracy_file(place) for place in range(len(report.runs)) if _has_accuracy(report, place)]


def write_report(report: Report, path: Path) -> None:
    """Writes the report in its schema, as a whole or not at all, after its samples."""
    document = report.to_json(path.parent)
    for place, (run, data) in enumerate(zip(report.runs, document["runs"], strict=True)):
        if run.latency is not None and _has_latency(report, place):
            name = _latency_file(place)
            sha256 = write_samples(path.parent / name, run.latency.samples_ns)
            data["latency"]["samples"] = {"file": name, "sha256": sha256, "stages": list(run.latency.samples_ns)}
        if run.accuracy is not None and run.accuracy.samples is not None:
            name = _accuracy_file(place)
            told = write_accuracy_samples(path.parent / name, run.accuracy.samples)
            data["accuracy"]["samples"] = {"file": name, **told}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode("utf-8", "backslashreplace"))


def _latency_file(place: int) -> str:
    return f"samples/{place}.i64"


def _accuracy_file(place: int) -> str:
    return f"samples/{place}.boxes"


def _has_latency(report: Report, place: int) -> bool:
    latency = report.runs[place].latency
    return latency is not None and bool(latency.samples_ns)


def _has_accuracy(report: Report, place: int) -> bool:
    accuracy = report.runs[place].accuracy
    return accuracy is not None and accuracy.samples is not None
