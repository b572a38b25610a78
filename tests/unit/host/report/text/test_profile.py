"""A profile as people read it: the longest operators, what no delegate took, variants beside each other."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from edgeproof.record.measured.profile import OperatorTime, Profile, RanOperator
from edgeproof.record.run import Report, Run
from edgeproof.report.charts.operators import operators_svg
from edgeproof.report.html import render_html
from edgeproof.report.text.profile import layer_name, print_profiles, profile_lines, shortened
from tests.support import sample_report as sample


def run(variant: str = "int8", profile: Profile | None = None) -> Run:
    return replace(sample.run(variant), latency=None, pictures=(), profile=profile or sample.profile())


def printed(*runs: Run, width: int = 80, top: int = 20) -> str:
    stream = io.StringIO()
    print_profiles(runs, Console(file=stream, width=width), top)
    return stream.getvalue()


def test_the_longest_operator_comes_first_and_what_is_left_out_is_counted() -> None:
    lines = printed(run(), top=2).splitlines()
    rows = [line.split() for line in lines]
    assert ["61.0%", "6100", "50", "CONV_2D", "IGEMM", "Extractor/Conv"] in rows
    assert ["30.0%", "3000", "50", "TFLite_Detection_PostProcess", "*", "out"] in rows
    assert "and 2 more, 4.6% together" in lines


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    longest = max(printed(run(), width=width).splitlines(), key=len)
    assert len(longest) <= max(width, 80)


def test_what_ran_outside_the_delegate_is_said_by_name() -> None:
    lines = profile_lines(sample.profile())
    assert lines[1] == "4 operators account for 95.6% of an inference."
    assert lines[2] == "Outside the delegate ran 2, 34.5% of an inference: QUANTIZE, TFLite_Detection_PostProcess."
    inside = tuple(time for time in sample.profile().operators if time.ran.delegated)
    assert profile_lines(replace(sample.profile(), operators=inside))[2] == "All of them ran in the delegate."
    outside = tuple(time for time in sample.profile().operators if not time.ran.delegated)
    assert profile_lines(replace(sample.profile(), operators=outside))[2] == "No operator ran in a delegate."


def test_where_there_is_no_profile_its_reason_stands() -> None:
    text = printed(run(profile=Profile(unavailable="tflite-runtime tells no operator's time")), width=200)
    assert "A profile is not available: tflite-runtime tells no operator's time." in text


def test_variants_stand_beside_each_other_layer_by_layer() -> None:
    slower = tuple(replace(time, median_us=2 * time.median_us) for time in sample.profile().operators[1:])
    text = printed(run("int8"), run("float32", replace(sample.profile(), operators=slower, plain_ms=19.0)))
    rows = [line.split() for line in text.partition("Layer by layer")[2].splitlines()]
    assert ["layer", "int8", "float32"] in rows
    assert ["Extractor/Conv", "6100", "12201"] in rows
    assert ["tfl.quantize", "450", "-"] in rows, "a layer that one of them lacks"
    assert ["an", "inference,", "whole", "9800", "19000"] in rows


def test_a_layer_goes_by_its_path_without_norm_and_activation() -> None:
    def named(layer: str | None) -> str:
        return layer_name(OperatorTime(RanOperator("Add (ND)", True, "ADD", layer), 1, 1.0, 0.1))

    assert named("a/project/BatchNorm/FusedBatchNormV3;b") == "a/project"
    assert named("Relu6") == "Relu6"
    assert "\x1b" not in named("a/\x1b[31mb")
    assert named(None) == ""
    assert shortened("abcdef", 4) == "…def"


def test_the_page_shows_a_chart_with_the_names_as_they_are() -> None:
    hostile = OperatorTime(RanOperator("Add (ND)", True, "ADD", "<script>$x$</script>"), 50, 9000.0, 0.9)
    page = render_html(Report((run(profile=replace(sample.profile(), operators=(hostile,))),)))
    assert "<h2>Operators</h2>" in page
    assert "&lt;script&gt;$x$&lt;" in page
    assert "<script>$x$" not in page
    assert "<h2>Operators</h2>" not in render_html(Report((sample.run(),)))


def test_a_chart_needs_operators() -> None:
    with pytest.raises(ValueError, match="no profile"):
        operators_svg(Profile(unavailable="none"), 0, "name")
