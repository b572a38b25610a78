"""`edgeproof recommend`: its words at 80 columns, its JSON, and its exit status."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeproof.cli.main import cli
from edgeproof.history.opening import open_history
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report
from tests.support import sample_report as sample
from tests.support.sample_accuracy import evaluated


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two variants, one of them with an accuracy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    runs = (sample.run(invoke_ms=20.0), sample.run("float32", invoke_ms=60.0))
    accurate = replace(runs[0], accuracy=evaluated().accuracy)
    path = tmp_path / "results" / "report.json"
    (path.parent / "samples").mkdir(parents=True)
    write_report(Report((accurate, runs[1]), "2026-01-01T00:00:00Z"), path)
    return path


def recommend(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["recommend", *map(str, arguments)], standalone_mode=False)


def test_the_cheapest_comes_first_and_no_line_is_wider_than_80_columns(report: Path) -> None:
    done = recommend(report.parent, "--gate", "size < 5 MB", "--gate", "accuracy map >= 0.9")
    assert done.return_value == 1
    assert done.output.startswith("no cell passes the gates\n")
    done = recommend(report, "--gate", "size < 5 MB")
    assert done.return_value in (0, None)
    lines = done.output.splitlines()
    assert lines[0].startswith("#1 int8, tflite-runtime on demo (")
    assert lines[0].endswith(" ms, mAP 0.265, 3.81 MB): the least latency that passes the gates")
    assert "Not by accuracy: of #2 it was not measured." in lines
    assert any(line.startswith("#2 is beaten by #1: ") for line in lines)
    table = lines[lines.index("Cells") : next(n for n, line in enumerate(lines) if line.startswith("The front"))]
    assert max(map(len, table)) <= 80


@pytest.mark.parametrize(
    ("gate", "code"), [("size < 1 kB", 1), ("accuracy map >= 0.01", 0), ("energy < 1 J", 3), ("size < 50 MB", 0)]
)
def test_its_exit_status(report: Path, gate: str, code: int) -> None:
    assert (recommend(report, "--gate", gate).return_value or 0) == code


def test_as_json(report: Path) -> None:
    document = json.loads(recommend(report, "--json", "--by", "size").output)
    assert document["schema"] == "edgeproof.recommendation/1"
    assert (document["cheapest"], document["by"], document["front"]) == (0, "size", [0])
    assert document["beaten"] == [{"cell": 1, "by": 0}]
    assert [one["bundle"]["variant"] for one in document["cells"]] == ["int8", "float32"]
    assert "map" in document["cells"][0]
    assert "map" not in document["cells"][1]


def test_the_gates_of_check_hold_where_none_is_named(report: Path, tmp_path: Path) -> None:
    (tmp_path / "edgeproof.toml").write_text('[check.gates]\nsize = "< 1 kB"\n')
    assert recommend(report).return_value == 1


def test_without_a_report_the_newest_of_the_history_count(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPROOF_HISTORY", str(tmp_path / "history.sqlite3"))
    history = open_history(f"sqlite:///{tmp_path}/history.sqlite3")
    timed = sample.run()
    number = history.keep(Report((timed,)))
    history.keep(Report((replace(timed, latency=None, accuracy=evaluated().accuracy),)))
    history.close()
    document = json.loads(recommend("--json").output)
    (one,) = document["cells"]
    assert {"latency_ms", "map", "size_mb"} <= set(one)
    assert "map" not in json.loads(recommend(number, "--json").output)["cells"][0]
    assert "neither a report, nor a number" in str(recommend("nobody").exception)


def test_nothing_to_choose_from_is_said(report: Path) -> None:
    done = recommend(report, "--board", "another")
    assert "There is no run with a latency or an accuracy" in str(done.exception)
