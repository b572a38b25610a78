"""A comparison in words."""

import io
from dataclasses import replace

import pytest

from edgeproof.cli.display.terminal import Terminal
from edgeproof.record.measured.profile import Profile
from edgeproof.record.run import Report
from edgeproof.record.verdict.comparison import Comparison, StageRatio
from edgeproof.report.text.comparison import comparison_lines, print_comparison
from tests.support import sample_report as sample

PAIR = Report((sample.run(), sample.run("float32")))


def comparison(low: float, high: float, *void: str) -> Comparison:
    ratio = (low + high) / 2
    stages = {"invoke": StageRatio(ratio, low, high, ratio - 1), "total": StageRatio(ratio, low, high, ratio - 1)}
    return Comparison(0, 1, 20, 10, stages, void)


@pytest.mark.parametrize(
    ("low", "high", "line"),
    [
        (0.48, 0.52, "B is 2.00 times as fast as A: it takes 0.500 times as long (0.480 to 0.520, 95 %)"),
        (1.48, 1.52, "B is slower than A: it takes 1.500 times as long (1.480 to 1.520, 95 %)"),
        (0.97, 1.01, "B and A are not told apart: B takes 0.990 times as long (0.970 to 1.010, 95 %)"),
    ],
)
def test_the_answer_is_one_line(low: float, high: float, line: str) -> None:
    assert comparison_lines(PAIR, comparison(low, high))[0] == line


def test_the_deciding_stage_is_named_where_there_is_a_difference() -> None:
    assert "invoke makes most of the difference" in comparison_lines(PAIR, comparison(0.4, 0.5))
    assert "invoke makes most of the difference" not in comparison_lines(PAIR, comparison(0.9, 1.1))


def profiled(*profiles: Profile | None) -> Report:
    return Report(tuple(replace(run, profile=profile) for run, profile in zip(PAIR.runs, profiles, strict=True)))


def test_the_operator_is_named_where_both_were_profiled() -> None:
    whole = sample.profile()
    half = replace(whole, plain_ms=whole.plain_ms / 2)
    lines = comparison_lines(profiled(whole, half), comparison(0.4, 0.5))
    assert lines[2].startswith("of invoke it is CONV_2D: ")
    assert lines[2].endswith(" ms in B")
    assert comparison_lines(profiled(whole, None), comparison(0.4, 0.5))[2].startswith("20 pairs")
    assert not any("of invoke" in line for line in comparison_lines(profiled(whole, half), comparison(0.9, 1.1)))


def test_a_runtime_that_tells_no_operators_is_named_with_its_reason() -> None:
    silent = Profile(unavailable="tflite-runtime has no profiler\nof ours")
    lines = comparison_lines(profiled(sample.profile(), silent), comparison(0.4, 0.5))
    assert lines[2] == "of B no operator's time is told: tflite-runtime has no profiler\ufffdof ours"


def test_a_void_comparison_tells_nothing() -> None:
    lines = comparison_lines(PAIR, comparison(0.4, 0.5, "the board reports: throttled"))
    assert lines[0] == "not told: the board reports: throttled"
    assert not any("as fast" in line for line in lines)


def test_without_a_total_nothing_is_told() -> None:
    assert "nothing can be told" in comparison_lines(PAIR, replace(sample.comparison(), stages={}))[0]


def test_both_are_named_above_the_table() -> None:
    stream = io.StringIO()
    report = Report((sample.run(), sample.run("float32")))
    print_comparison(report, sample.comparison(), Terminal(file=stream, width=80, no_color=True))
    text = stream.getvalue()
    assert text.startswith("A: pedestrian int8 · tflite-runtime 2.14.0 · demo\nB: pedestrian float32")
    assert "0.470 to 0.490" in text
    assert "-20.500" in text
