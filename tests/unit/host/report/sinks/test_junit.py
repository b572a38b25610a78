"""The verdict as JUnit XML and as Markdown."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgeproof.record.run import Report
from edgeproof.report.sinks.junit import junit_xml, write_junit
from edgeproof.report.sinks.markdown import MAX_BYTES, markdown, write_markdown
from tests.support import sample_report as sample


def report(**changes: object) -> Report:
    run = replace(sample.run(), claims=sample.claims(), parity=sample.parity())
    return Report((replace(run, **changes), replace(run, bundle=sample.bundle("float32"))))  # type: ignore[arg-type]


def suites(document: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(document))


def test_a_gate_is_a_case_and_what_is_inconclusive_fails() -> None:
    suite = suites(junit_xml(report()))[0]
    assert suite.attrib == {
        "name": "pedestrian int8 on demo, tflite-runtime, 2 threads",
        "tests": "3",
        "failures": "2",
        "errors": "0",
        "skipped": "0",
    }
    passed, failed, opened = suite
    assert [child.tag for child in passed] == ["system-out"]
    assert failed.find("failure") is not None
    failure = opened.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "accuracy map >= 0.40: not known", "type": "inconclusive"}
    assert failure.text == "accuracy was not measured"


def test_what_is_inconclusive_is_skipped_where_that_is_allowed() -> None:
    suite = suites(junit_xml(report(), allow_inconclusive=True))[0]
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
    assert suite[2].find("skipped") is not None
    assert suite[1].find("failure") is not None


def test_no_two_cases_have_one_name() -> None:
    names = [case.get("name") for suite in suites(junit_xml(report())) for case in suite]
    assert len(names) == len(set(names)) == 6
    assert names[0] == "total p95 < 80 ms (pedestrian int8 on demo, tflite-runtime, 2 threads)"


def test_a_run_that_ended_early_is_an_error() -> None:
    suite = suites(junit_xml(report(error="the agent died")))[0]
    assert (suite.get("tests"), suite.get("errors")) == ("4", "1")
    error = suite[3].find("error")
    assert error is not None
    assert error.text == "the agent died"


def test_hostile_text_is_text(tmp_path: Path) -> None:
    claim = replace(sample.claims()[2], gate='total "<&>\x00\x1b', note="</failure>\x08 \ud800")
    document = junit_xml(report(claims=(claim,)))
    failure = suites(document)[0][0].find("failure")
    assert failure is not None
    assert failure.text == "</failure> "
    write_junit(report(claims=(claim,)), tmp_path / "junit.xml")
    assert (tmp_path / "junit.xml").read_bytes() == document


def test_the_summary_has_the_verdict_first_and_a_row_a_gate(tmp_path: Path) -> None:
    text = markdown(report())
    assert text.startswith("## edgeproof: ❌ fail\n")
    assert "| total p95 \\< 80 ms | ✅ pass | 56.1 ms | 55.2 to 57.9 |  |" in text
    assert "| accuracy map \\>= 0.40 | ❔ inconclusive |  |  | accuracy was not measured |" in text
    assert "- 1 picture first part at outputs" in text
    assert "- the run ended early: it died" in markdown(report(error="it died"))
    write_markdown(report(), tmp_path / "summary.md")
    assert (tmp_path / "summary.md").read_text() == text


@pytest.mark.parametrize("text", ["a|b\nc", "[x](http://y)", "<img src=x>", "@everyone", "`code`"])
def test_text_from_elsewhere_links_and_tags_nothing_in_the_summary(text: str) -> None:
    found = markdown(report(claims=(replace(sample.claims()[2], note=text),)))
    (row,) = [line for line in found.splitlines() if "accuracy map" in line and "float32" not in line][:1]
    assert row.replace("\\|", "").count("|") == 6
    for special in "[<@`":
        assert f" {special}" not in row
        assert row.count(special) == row.count(f"\\{special}")


def test_a_summary_is_cut_at_a_whole_run_to_what_github_takes() -> None:
    note = replace(sample.claims()[2], note="x" * 20_000)
    run = replace(sample.run(), claims=(note,))
    text = markdown(Report((run,) * 100))
    assert len(text.encode()) <= MAX_BYTES
    assert len(text.encode()) > MAX_BYTES * 0.9
    assert text.endswith("_The rest is left out: see report.json._\n")


def test_what_was_not_measured_is_an_error_and_stands_in_the_summary() -> None:
    """A CI system that reads these alone must not see green."""
    passing = replace(sample.run(), claims=sample.claims()[:1])
    partly = Report((passing,), not_measured=("int8 on shed: it does not answer", "int8 on <den>: refused"))
    suite = suites(junit_xml(partly))[-1]
    assert (suite.get("name"), suite.get("tests"), suite.get("errors")) == ("not measured", "2", "2")
    first = suite[0].find("error")
    assert first is not None
    assert (suite[0].get("name"), first.text) == ("run (int8 on shed)", "it does not answer")
    text = markdown(partly)
    assert text.startswith("## edgeproof: ❔ inconclusive")
    assert "int8 on shed: it does not answer" in text
    assert "\\<den\\>" in text
