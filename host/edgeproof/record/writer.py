"""Writes report.json."""

import json
from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report


def write_json(report: Report, path: Path) -> None:
    """Writes the report in schema `edgeproof.report/1`, as a whole or not at all; the order of keys is the schema's."""
    text = json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
