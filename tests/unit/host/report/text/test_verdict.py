"""The verdict on a terminal: the answer first, a line a gate, and what limits."""

import io
from dataclasses import replace

import pytest

from edgeproof.cli.display.terminal import Terminal
from edgeproof.record.run import Report
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.report.text.verdict import claim_line, print_verdict
from tests.support import sample_report as sample


def printed(report: Report, width: int = 100) -> str:
    stream = io.StringIO()
    print_verdict(report, Terminal(file=stream, width=width, no_color=True))
    return stream.getvalue()


def checked(*claims: Claim) -> Report:
    return Report((replace(sample.run(), claims=claims, parity=sample.parity()),))


def test_the_answer_comes_first_then_a_line_a_gate() -> None:
    lines = [line.rstrip() for line in printed(checked(*sample.claims())).splitlines()]
    assert lines[0] == "verdict: FAIL"
    assert "  pass          total p95 < 80 ms: 56.1 ms, 55.2 to 57.9, of 200" in lines
    assert "  fail          parity differing <= 1 %: 33.3 %, 1.7 to 86.5, of 3" in lines
    assert "  inconclusive  accuracy map >= 0.40: not known" in lines
    assert "                accuracy was not measured" in lines


def test_what_limits_and_where_pictures_part_follows() -> None:
    text = printed(checked(*sample.claims()), width=200)
    assert "invoke takes 8" in text
    assert "2 of 3 confident detections the same on 3 pictures, at most 86 % differ (95 %); 1 borderline" in text
    assert "1 picture first part at outputs: an equal input gives other outputs" in text
    assert "camera.png: 1 differ, from outputs on" in text
    assert "torn.jpg: board: it is broken, from pixels on" in text
    assert "conversion (source to float32): not told: a bundle keeps no results of its source" in text
    assert "quantization (float32 to this variant, both on the host): 2 of 5 confident detections differ" in text
    assert "kernels (this variant on the host to the board): 1 of 3 confident detections differ" in text
    assert "quantization makes most of the difference" in text


def test_all_that_pass_are_a_pass_and_no_gate_is_no_verdict() -> None:
    assert printed(checked(sample.claims()[0])).startswith("verdict: PASS\n")
    assert printed(checked(sample.claims()[2])).startswith("verdict: INCONCLUSIVE\n")
    assert printed(checked()).startswith("verdict: none, since no gate was given\nName one with --gate ")


def test_nothing_is_cut_off_at_80_columns() -> None:
    long = replace(sample.claims()[2], note="needs 130 samples, has 60, worth 40 independent: --runs 130 " * 2)
    lines = printed(checked(long), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).count("worth 40 independent: --runs 130") == 2


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        (Claim("size < 6 MB", Answer.PASS, 6.0, "MB", 3.81, 3.81, 3.81), "size < 6 MB: 3.81 MB"),
        (
            Claim("total p95 < 2 s", Answer.PASS, 2000.0, "ms", 1234.4, 1200.0, None, 60),
            "total p95 < 2 s: 1234 ms, 1200 to unbounded, of 60",
        ),
        (
            Claim("accuracy map >= 0.4", Answer.PASS, 0.4, "", 0.45, None, 0.5),
            "accuracy map >= 0.4: 0.45, unbounded to 0.5",
        ),
    ],
)
def test_a_claim_in_one_line(claim: Claim, line: str) -> None:
    assert claim_line(claim) == line


def test_hostile_text_cannot_steer_the_terminal() -> None:
    hostile = replace(sample.claims()[0], gate="total \x1b[2J", note="[bold]\x1b[31m")
    assert "\x1b" not in printed(checked(hostile))
    assert "[bold]" in printed(checked(hostile))


def test_what_was_not_measured_is_told_and_keeps_the_verdict_open() -> None:
    text = printed(replace(checked(sample.claims()[0]), not_measured=("int8 on shed: it does not \x1b[31manswer",)))
    assert text.startswith("verdict: INCONCLUSIVE")
    assert "not measured: int8 on shed: it does not" in text
    assert "\x1b" not in text
