"""The published JSON Schema of report.json, for every report that a test has written by a real run."""

import json
from pathlib import Path
from typing import Any

import jsonschema

from edgeproof.record.reader import read_report
from edgeproof.record.writer import write_report
from tests.support.places import ROOT

SCHEMA = json.loads((ROOT / "docs" / "reference" / "report.schema.json").read_text())


def checked_report(path: Path) -> Any:
    """The document, once it is what the schema says, and reads back to what writes the same again."""
    text = path.read_text()
    document = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    write_report(read_report(path), path)
    assert path.read_text() == text
    return document
