"""A report reads back equal to what was written, is what its published schema says, and older ones read, too."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

from edgeproof.cli.main import cli
from edgeproof.errors import ReportError
from edgeproof.record.board import BoardState
from edgeproof.record.measured.load import CpuUse, LoadResult
from edgeproof.record.measured.profile import Profile
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report, Run
from edgeproof.record.writer import write_report
from tests.support import sample_report as sample
from tests.support.places import ROOT
from tests.support.report_schema import SCHEMA

OLDER = ROOT / "tests" / "support" / "reports" / "schema_1.json"


def comparable(report: Report) -> Report:
    """With lists in place of arrays, whose comparison is no truth."""
    runs = []
    for run in report.runs:
        latency = run.latency
        if latency is not None:
            samples: Any = {stage: values.tolist() for stage, values in latency.samples_ns.items()}
            latency = replace(latency, samples_ns=samples)
        runs.append(replace(run, latency=latency))
    return replace(report, runs=tuple(runs))


def reports(folder: Path) -> dict[str, Report]:
    full = sample.run(folder=folder / "annotated")
    return {
        "everything": Report.now((replace(full, stream=sample.stream(folder / "frames"), error="it died"), full)),
        "a camera": Report.now((replace(full, stream=sample.live_stream(folder / "live")),)),
        "few samples": Report((sample.run(runs=20),), created="2026-11-26T10:00:00Z", command=("edgeproof", "bench")),
        "nothing was done": Report((Run(sample.bundle(), sample.board(), sample.RUNTIMES[0]),)),
        "fewer threads": Report(
            (
                replace(
                    full,
                    load=LoadResult(5, 6, 1, "it loses with more", CpuUse(8, 4, 1, 0.5, 4, "big"), "libedgetpu.so.1"),
                ),
            )
        ),
        "no health check": Report((replace(full, latency=None, load=LoadResult(5, None, 2)),)),
        "no bench": Report((replace(sample.run(), latency=None),), outputs=("a", "b/c")),
        "a board that tells nothing": Report((replace(sample.run(), before=BoardState(), after=None),)),
        "a check with a board that was not there": Report(
            (replace(sample.run(), claims=sample.claims()),), not_measured=("int8 on shed: no such board", "x: ü")
        ),
        "a verdict": Report((replace(sample.run(), parity=sample.parity(), claims=sample.claims()),)),
        "a profile": Report((replace(sample.run(), latency=None, profile=sample.profile()),)),
        "no profile to be had": Report((replace(sample.run(), profile=Profile(unavailable="it has none")),)),
        "a board that was sampled": Report((replace(sample.run(), latency=sample.sampled_latency()),)),
        "a comparison": Report((sample.run(), sample.run("float32")), comparisons=(sample.comparison(),)),
        "a name that is no UTF-8": Report((replace(full, bundle=replace(full.bundle, name="caf\\udce9 ü")),)),
    }


@pytest.mark.parametrize(
    "name",
    [
        "everything",
        "a camera",
        "few samples",
        "nothing was done",
        "no health check",
        "fewer threads",
        "no bench",
        "a board that tells nothing",
        "a check with a board that was not there",
        "a verdict",
        "a profile",
        "no profile to be had",
        "a board that was sampled",
        "a comparison",
        "a name that is no UTF-8",
    ],
)
def test_what_is_written_reads_back_equal_and_is_what_the_schema_says(tmp_path: Path, name: str) -> None:
    report = reports(tmp_path)[name]
    path = tmp_path / "report.json"
    write_report(report, path)
    assert comparable(read_report(path)) == comparable(report)
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    text = path.read_text()
    write_report(read_report(path), path)
    assert path.read_text() == text


def test_raw_samples_lie_beside_the_report_and_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(sample.report(), path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["report.json", "samples"]
    latency = read_report(path).runs[2].latency
    written = sample.report().runs[2].latency
    assert latency is not None
    assert written is not None
    np.testing.assert_array_equal(latency.samples_ns["invoke"], written.samples_ns["invoke"])
    file = tmp_path / "samples" / "2.i64"
    data = bytearray(file.read_bytes())
    data[8] ^= 1
    for changed in (bytes(data), bytes(data[:-8]), bytes(data) + bytes(8), b""):
        file.write_bytes(changed)
        with pytest.raises(ReportError, match="its samples are not those that the report names|it is over"):
            read_report(path)
    file.unlink()
    with pytest.raises(ReportError, match="no such file"):
        read_report(path)


def test_a_report_of_the_schema_before_reads() -> None:
    report = read_report(OLDER)
    first, second = report.runs
    assert (first.bundle.name, first.bundle.variant, first.board.name) == ("pedestrian", "int8", "demo")
    assert first.bundle.provenance == {"source": {"kind": "frozen_graph", "sha256": "5e" * 32}}
    assert first.error == "the agent was killed by signal 9"
    assert first.latency is not None
    assert (first.latency.runs, first.latency.samples_ns) == (200, {})
    assert first.load == sample.run().load
    assert [picture.name for picture in first.pictures] == ["astronaut.png", "camera.png", "coffee.png", "torn.jpg"]
    assert first.stream is not None
    assert first.stream.frames == 95
    assert second.latency is not None
    assert second.latency.drift.reason == "it needs at least 33 samples, there are 20"
    assert (report.created, report.command, report.host.edgeproof) == (None, (), "0.1.0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"schema": "edgeproof.report/3", "edgeproof": "9", "runs": []}',
            "its schema is 'edgeproof.report/3', and this",
        ),
        ('{"schema": "edgeproof.doctor/1"}', "its schema is 'edgeproof.doctor/1'"),
        ("{", "it is broken"),
        ("[]", "the message must be a JSON object"),
        ("[" * 100_000, "it is nested too deep"),
        ('{"schema": "edgeproof.report/2", "edgeproof": "1", "runs": [{"board": 3}]}', r"runs\[0\].board must be"),
        ('{"schema": "edgeproof.report/2", "edgeproof": "1", "runs": NaN}', "NaN is no number of JSON"),
    ],
)
def test_what_is_no_report_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(ReportError, match=words) as caught:
        read_report(path)
    assert str(caught.value).startswith(f"{path}: it")


def test_a_file_that_a_report_names_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(Report((sample.run(folder=tmp_path / "annotated"),)), path)
    text = path.read_text()
    for name in ("/etc/passwd", "../secret", "a/../../secret"):
        path.write_text(text.replace("annotated/camera.png.jpg", name))
        with pytest.raises(ReportError, match="must name a file beside the report"):
            read_report(path)
        path.write_text(text.replace("samples/0.i64", name))
        with pytest.raises(ReportError, match="must name a file beside the report"):
            read_report(path)


def test_the_command_prints_a_report_again_and_makes_its_page(tmp_path: Path) -> None:
    write_report(Report.now((sample.run(folder=tmp_path / "annotated"),)), tmp_path / "report.json")
    page = tmp_path / "page.html"
    printed = CliRunner().invoke(cli, ["report", str(tmp_path), "--html", str(page)])
    assert printed.exit_code == 0, printed.output
    assert "pedestrian" in printed.output
    assert "person 0.90" in printed.output
    assert "<html" in page.read_text()
    again = CliRunner().invoke(cli, ["report", str(tmp_path), "--html", str(page)])
    assert "it is there already" in str(again.exception)
    older = CliRunner().invoke(cli, ["report", str(OLDER)])
    assert older.exit_code == 0, older.output
    assert "the agent was killed by signal 9" in older.output
