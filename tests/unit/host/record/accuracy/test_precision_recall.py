"""Curves of precision over recall read back from report.json; what is no curve is refused."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from edgeproof.errors import ReportError
from edgeproof.record.accuracy.precision_recall import PrecisionRecall
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report
from tests.support import sample_report as sample
from tests.support.report_schema import SCHEMA

CURVE = PrecisionRecall("all classes", 0.5, (0.0, 0.5, 1.0), (1.0, 0.9, 0.4))


def test_a_curve_reads_back_as_it_was(tmp_path: Path) -> None:
    write_report(Report((replace(sample.run(), latency=None, precision_recall=(CURVE,)),)), tmp_path / "report.json")
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text()), SCHEMA)
    assert read_report(tmp_path / "report.json").runs[0].precision_recall == (CURVE,)


@pytest.mark.parametrize(
    "change",
    [
        {"recall": [0.0, 0.5]},
        {"precision": [1.0, 0.9, 1.1]},
        {"precision": [1.0, 0.9, "x"]},
        {"precision": [True, 0.9, 0.4]},
        {"recall": [], "precision": []},
        {"iou": "x"},
    ],
)
def test_what_is_no_curve_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_report(Report((replace(sample.run(), latency=None, precision_recall=(CURVE,)),)), tmp_path / "report.json")
    document = json.loads((tmp_path / "report.json").read_text())
    document["runs"][0]["precision_recall"][0] |= change
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(ReportError, match="precision_recall"):
        read_report(tmp_path / "report.json")
