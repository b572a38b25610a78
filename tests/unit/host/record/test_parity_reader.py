"""What both machines found on a picture reads back from report.json, and what is no picture is refused."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeproof.errors import ReportError
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.record.verdict.chain import ChainStep
from edgeproof.record.writer import write_report
from tests.support import sample_report as sample


def written(folder: Path) -> Any:
    write_report(Report((replace(sample.run(), latency=None, parity=sample.parity()),)), folder / "report.json")
    return json.loads((folder / "report.json").read_text())


def test_both_sides_and_the_chain_read_back_as_they_were(tmp_path: Path) -> None:
    written(tmp_path)
    (run,) = read_report(tmp_path / "report.json").runs
    assert run.parity == sample.parity()
    assert run.parity is not None
    assert [link.step for link in run.parity.chain] == list(ChainStep)


@pytest.mark.parametrize(
    "jpeg",
    [
        "not base64 at all!",
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        base64.b64encode(sample.jpeg()).decode() + '"><script>',
        "",
    ],
)
def test_what_is_no_jpeg_is_refused(tmp_path: Path, jpeg: str) -> None:
    document = written(tmp_path)
    document["runs"][0]["parity"]["pictures"][1]["sides"]["jpeg"] = jpeg
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(ReportError, match="jpeg"):
        read_report(tmp_path / "report.json")


@pytest.mark.parametrize("change", [{"step": "magic"}, {"step": "kernels", "same": -1}, {"step": "kernels"}])
def test_a_link_that_is_none_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    document = written(tmp_path)
    document["runs"][0]["parity"]["chain"][2] = change
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(ReportError, match="chain"):
        read_report(tmp_path / "report.json")
