"""`edgeproof history` and `compare` as a user types them; a finished check is never lost because keeping fails."""

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgeproof.cli.compare import command as compare
from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.history import command as history
from edgeproof.errors import EdgeproofError
from edgeproof.history.opening import open_history
from edgeproof.record.run import Report
from edgeproof.record.verdict.claims import Answer
from edgeproof.report.sinks.badge import badge
from edgeproof.report.sinks.openmetrics import openmetrics
from edgeproof.wording.progress import Progress
from tests.support import sample_report
from tests.support.sample_accuracy import evaluated


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEPROOF_HISTORY", str(tmp_path / "history.sqlite3"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "history.sqlite3"


def kept(created: str, invoke_ms: float = 45.0, seed: int = 1, digest: str = "a" * 64) -> Report:
    run = sample_report.run(seed=seed, invoke_ms=invoke_ms)
    run = replace(run, bundle=replace(run.bundle, digest=digest))
    return replace(sample_report.report(), runs=(run,), comparisons=(), not_measured=(), created=created)


def fill(count: int, changed_at: int) -> None:
    generator, opened = np.random.default_rng(3), open_history(f"sqlite:///{Path('history.sqlite3').absolute()}")
    for day in range(count):
        slower = day >= changed_at
        median = 45.0 * (1.1 if slower else 1.0) * float(np.exp(generator.normal(0, 0.005)))
        opened.keep(kept(f"2026-01-{day + 1:02d}T10:00:00Z", median, day, ("b" if slower else "a") * 64))
    opened.close()


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]


def test_the_list_tells_where_it_changed_and_with_what(tmp_path: Path) -> None:
    fill(24, changed_at=12)
    result = run(history, "--last", "5", "--plot", "plot.png")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines[:6])
    assert lines[1].startswith("20 ")
    assert lines[5].startswith("24 ")
    assert "the last 5 of 24 runs" in result.stdout
    (change,) = [line for line in lines if "from run 13 on" in line]
    assert "with it changed: bundle aaaaaa -> bbbbbb" in change
    picture = cv2.imread("plot.png")
    assert picture is not None
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_a_baseline_is_named_and_compared_with() -> None:
    fill(2, changed_at=1)
    assert run(history, "--set-baseline", "main", "1").stdout == "main is report 1\n"
    assert "1 main" in run(history).stdout
    compared = run(compare, "main", "2")
    assert compared.exit_code == 0
    assert "slower" in compared.stdout
    assert "+9." in compared.stdout or "+10." in compared.stdout


def kept_accuracy(day: int, loss: float, digest: str = "a", failed: int = 0) -> Report:
    one = kept(f"2026-01-{day:02d}T10:00:00Z", digest=digest * 64)
    found = evaluated(failed=failed, loss=loss)
    return replace(one, runs=(replace(one.runs[0], accuracy=found.accuracy, latency=None),))


def test_accuracies_are_listed_judged_and_compared(tmp_path: Path) -> None:
    opened = open_history(f"sqlite:///{tmp_path / 'history.sqlite3'}")
    for day in range(1, 13):
        opened.keep(kept_accuracy(day, 0.02 if day < 7 else 0.5, "a" if day < 7 else "b"))
    opened.keep(kept_accuracy(13, 0.9, "b", failed=110))
    opened.close()
    result = run(history, "--figure", "map", "--plot", "plot.svg")
    lines = result.stdout.splitlines()
    table = lines[: next(n for n, line in enumerate(lines) if "from run 7" in line)]
    assert all(len(line) <= 80 for line in table)
    accuracy = evaluated(loss=0.02).accuracy
    assert f"{accuracy.map.value:.3f} ({accuracy.map.low:.3f} to {accuracy.map.high:.3f})" in " ".join(lines[1].split())
    (change,) = [line for line in lines if "from run 7 on" in line]
    assert " mAP -" in change
    assert "with it changed: bundle aaaaaa -> bbbbbb" in change
    assert "ms" not in change
    assert "mAP" in Path("plot.svg").read_text(), "its axis says what it shows"
    assert f" {accuracy.map.value:.3f} " in run(history).stdout.splitlines()[1]
    (worse,) = [line for line in run(compare, "6", "7").stdout.splitlines() if line.startswith("mAP")]
    assert worse.endswith("picture by picture), worse")
    (better,) = [line for line in run(compare, "7", "6").stdout.splitlines() if line.startswith("mAP")]
    assert better.endswith("picture by picture), better")
    (same,) = [line for line in run(compare, "5", "6").stdout.splitlines() if line.startswith("mAP")]
    assert same.endswith("not told apart")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set-baseline", "main", "x"], "is no number of a report"),
        (["--set-baseline", "main", "7"], "has no report 7"),
        (["--plot", "plot.txt"], "a plot is a .png or a .svg"),
    ],
)
def test_a_mistake_is_one_error(arguments: list[str], words: str) -> None:
    fill(1, changed_at=9)
    result = run(history, *arguments)
    assert isinstance(result.exception, EdgeproofError)
    assert words in str(result.exception)


def test_an_empty_history_says_what_fills_it() -> None:
    assert "edgeproof check, bench, parity and accuracy keep theirs there" in run(history).stdout


def test_a_report_is_kept_and_said(place: Path) -> None:
    said: list[Progress] = []
    keep_report(kept("2026-01-01T00:00:00Z"), said.append)
    assert [event.text for event in said] == ["kept as report 1: edgeproof history"]
    assert place.exists()


def test_without_its_packages_nothing_is_kept_and_it_says_how_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    said: list[Progress] = []
    keep_report(kept("2026-01-01T00:00:00Z"), said.append)
    (event,) = said
    assert 'pip install "edgeproof[history]"' in event.text


def test_a_history_that_cannot_be_written_does_not_end_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPROOF_HISTORY", "/proc/nowhere/history.sqlite3")
    said: list[Progress] = []
    keep_report(kept("2026-01-01T00:00:00Z"), said.append)
    (event,) = said
    assert event.text.startswith("not kept in the history: ")


def with_gates() -> Report:
    report = sample_report.report()
    return replace(report, runs=(replace(report.runs[0], claims=sample_report.claims()), *report.runs[1:]))


def test_openmetrics_reads_by_prometheus_own_parser() -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    report = with_gates()
    hostile = replace(report.runs[0], board=replace(report.runs[0].board, name='a "b"\\\n{c}'))
    families = {
        family.name: family
        for family in text_string_to_metric_families(openmetrics(replace(report, runs=(hostile, *report.runs[1:]))))
    }
    samples = families["edgeproof_latency_milliseconds"].samples
    assert {sample.labels["board"] for sample in samples} == {'a "b"\\\n{c}', "demo"}
    latency = report.runs[0].latency
    assert latency is not None
    (total,) = [
        sample.value
        for sample in samples
        if sample.labels["board"] != "demo" and sample.labels["stage"] == "total" and sample.labels["quantile"] == "0.5"
    ]
    assert total == pytest.approx(latency.stages["total"].p50_ms, rel=1e-3)
    assert families["edgeproof_bundle_bytes"].samples[0].value == report.runs[0].bundle.size_bytes
    gates = [claim for one in report.runs for claim in one.claims]
    passed = {sample.labels["gate"]: sample.value for sample in families["edgeproof_gate_passed"].samples}
    assert passed == {claim.gate: float(claim.answer is Answer.PASS) for claim in gates}


def test_the_badge_says_the_verdict_in_well_formed_svg() -> None:
    report = with_gates()
    root = ElementTree.fromstring(badge(report))
    assert report.verdict is not None
    assert root.get("aria-label") == f"edgeproof: {report.verdict.value}"
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["edgeproof", report.verdict.value]
    without = replace(report, runs=tuple(replace(one, claims=()) for one in report.runs), not_measured=())
    assert "no verdict" in badge(without)
