"""A live stream in the report: what was lost, how old frames were, and where that is counted from."""

import io
from dataclasses import replace

import pytest

from edgeproof.cli.display.terminal import Terminal
from edgeproof.record.run import Report
from edgeproof.report.html import render_html
from edgeproof.report.text.streams import stream_facts, stream_summaries
from edgeproof.report.text.terminal import print_report
from tests.support import sample_report as sample

LIVE = sample.live_stream()


def test_what_the_source_is_and_what_it_lost_is_said() -> None:
    assert stream_facts(LIVE) == [
        "source: MJPG, 640 x 480, 30 frames a second",
        "7 dropped for newer ones, 3 repeated, opened anew 1 time; age of a frame from the camera driver's time stamp",
        "2 frames could not be looked at",
        "captured beside inference; the stages add up to 99.0 % of the whole",
    ]
    in_turn = stream_facts(replace(LIVE, overlap=False, refused=1))
    assert in_turn[2:] == [
        "1 frame could not be looked at",
        "captured in turn with inference; the stages add up to 99.0 % of the whole",
    ]


@pytest.mark.parametrize(("clock", "words"), [("libcamera", "from libcamera's"), ("arrival", "from its arrival")])
def test_the_clock_that_an_age_is_by_is_named(clock: str, words: str) -> None:
    assert LIVE.told is not None
    assert words in stream_facts(replace(LIVE, told=replace(LIVE.told, timestamps=clock)))[1]


def test_a_video_has_no_drops_and_a_report_of_before_no_facts() -> None:
    assert LIVE.told is not None
    video = replace(LIVE, told=replace(LIVE.told, live=False), refused=0)
    assert not any("dropped" in line for line in stream_facts(video))
    assert stream_facts(sample.stream()) == []
    assert [name for name, _ in stream_summaries(LIVE)][-3:] == ["total", "whole", "age"]


def test_terminal_and_page_show_the_age_and_what_befell_the_source() -> None:
    report = Report((replace(sample.run(), stream=LIVE),))
    output = io.StringIO()
    print_report(report, Terminal(file=output, width=80, no_color=True))
    text = " ".join(output.getvalue().split())
    page = " ".join(render_html(report).split())
    for shown in (text, page):
        assert "7 dropped for newer ones, 3 repeated" in shown
        assert "its stream ended; it is opened again in 0.5 s" in shown
        assert "41.5" in shown
    assert max(len(line) for line in output.getvalue().splitlines()) <= 80
