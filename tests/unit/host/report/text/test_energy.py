"""Energy in words: its interval, the class of its source, and never a number where there is none."""

import io
from dataclasses import replace

from rich.console import Console

from edgeproof.record.run import Report
from edgeproof.report.html import render_html
from edgeproof.report.text.energy import energy_lines
from edgeproof.report.text.terminal import print_bench
from tests.support import sample_report as sample


def test_each_class_of_the_source_has_a_line() -> None:
    corrected, raw = energy_lines(sample.sampled_latency())
    # (1.1451 * 4.1 + .5879) W * 10.4 s / 200 = .2747 J; idle 3.4507 W takes .1794 J off.
    assert corrected.startswith("Energy of an inference: 0.275 J (")
    assert ", 95 mJ (" in corrected
    assert "W on average, 3.45 W idle. Raspberry Pi PMIC (pmic corrected: by one user's fit" in corrected
    assert "0.213 J" in raw
    assert "pmic raw" in raw
    (meter,) = energy_lines(sample.sampled_latency("meter"))
    assert "(a meter), 30 readings" in meter


def test_the_terminal_and_the_page_show_it() -> None:
    run = replace(sample.run(), latency=sample.sampled_latency())
    stream = io.StringIO()
    print_bench(run, Console(file=stream, width=300))
    assert "Energy of an inference: 0.275 J" in stream.getvalue()
    assert "Energy of an inference: 0.275 J" in render_html(Report((run,)))


def test_a_board_without_a_source_is_told_to_have_none() -> None:
    latency = sample.run().latency
    assert latency is not None
    (line,) = energy_lines(latency)
    assert line.startswith("Energy is not told: the board has no source")
    assert not any(character.isdigit() for character in line.replace("Raspberry Pi 5", ""))


def test_a_report_from_before_says_nothing() -> None:
    latency = sample.run().latency
    assert latency is not None
    assert energy_lines(replace(latency, energy_reason=None)) == []
