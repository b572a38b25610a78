"""The charts of report.html: any number of samples, the page's colours, what is too far out is counted."""

import re
from dataclasses import replace

import numpy as np
import pytest

from edgeproof.record.measured.latency import Samples
from edgeproof.report.charts.distributions import Spread, distributions_svg, edges
from edgeproof.report.charts.front import Point, front_svg
from edgeproof.report.charts.timeline import timeline_svg
from edgeproof.verify.latency import latency_of
from tests.support import sample_report as sample

MS = 1_000_000


def drawn(*samples: Samples, limits: tuple[float, ...] = ()) -> str:
    return distributions_svg([Spread(*item) for item in enumerate(samples)], limits, "invoke", "a")


@pytest.mark.parametrize("runs", [1, 2, 63, 5000])
def test_a_distribution_takes_any_number_of_samples(runs: int) -> None:
    svg = drawn(np.arange(1, runs + 1, dtype=np.int64) * 1000)
    assert svg.startswith('<svg viewBox="')
    assert "invoke, ms" in svg


@pytest.mark.parametrize("value", [0, 5 * MS])
def test_equal_samples_have_a_distribution_too(value: int) -> None:
    assert "% of the samples" in drawn(np.full(70, value, np.int64))


def test_samples_far_out_are_counted_instead_of_drawn() -> None:
    samples = np.append(np.full(99, 10 * MS), 900 * MS).astype(np.int64)
    assert "1 beyond the right end, up to 900" in drawn(samples)


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(ValueError, match="no run"):
        drawn()


def test_each_limit_is_named_and_lies_within_the_chart() -> None:
    samples = np.arange(100, 200, dtype=np.int64) * MS // 10
    svg = drawn(samples, limits=(15.0, 300.0))
    assert "limit 15.0 ms" in svg
    assert "limit 300 ms" in svg
    assert len(re.findall(r"stroke: var\(--mark\)", svg)) == 4, "each in the chart and in its legend"


def test_a_chart_takes_its_colours_from_the_page() -> None:
    runs = [np.arange(1, 101, dtype=np.int64) * MS * factor for factor in range(1, 8)]
    for svg in (
        drawn(*runs, limits=(50.0,)),
        timeline_svg(sample.run(), 0, "b") or "",
        front_svg([Point(0, 1.0, 2.0, None), Point(1, 2.0, 1.0, None)], [0, 1], "c"),
    ):
        assert "var(--series-2)" in svg
        assert re.findall(r"#[0-9a-f]{6}", svg) == []
        assert "font-family" not in svg
    assert "var(--series-7)" in drawn(*runs)


def test_a_timeline_has_heat_and_clock_where_the_board_told_them() -> None:
    run = sample.run()
    told = timeline_svg(run, 0, "a")
    assert told is not None
    assert ("°C" in told, "MHz" in told) == (True, True)
    silent = sample.state(None)
    silent = replace(silent, clock_mhz=None, clocks_mhz=())
    assert run.latency is not None
    without = timeline_svg(replace(run, latency=replace(run.latency, before=silent, after=silent)), 0, "a")
    assert without is not None
    assert ("°C" in without, "MHz" in without) == (False, False)


def test_a_run_without_samples_has_no_timeline() -> None:
    run = sample.run()
    assert run.latency is not None
    assert timeline_svg(replace(run, latency=None), 0, "a") is None
    assert timeline_svg(replace(run, latency=replace(run.latency, samples_ns={})), 0, "a") is None


def test_a_long_timeline_is_no_heavier_than_a_short_one() -> None:
    def size(runs: int) -> int:
        return len(timeline_svg(replace(sample.run(), latency=latency_of(sample.bench(runs))), 0, "a") or "")

    assert size(100_000) < 3 * size(400)


@pytest.mark.parametrize("accuracies", [(0.5, 0.6, 0.7), (0.5, None, 0.7)])
def test_the_front_is_filled_and_the_others_are_not(accuracies: tuple[float | None, ...]) -> None:
    points = [Point(3 + place, 1.0 + place, 2.0, accuracy) for place, accuracy in enumerate(accuracies)]
    svg = front_svg(points, [3, 5], "a")
    known = None not in accuracies
    assert ("mAP" in svg, "size, MB" in svg) == (known, not known)
    assert svg.count("fill: none; stroke: var(--series") == 1


def test_a_limit_far_beyond_the_samples_is_within_the_chart() -> None:
    samples = np.arange(100, 110, dtype=np.int64) * MS
    assert edges([samples / MS], (900.0,))[-1] > 900
    assert edges([samples / MS], (1.0,))[0] < 1
    assert 109 < edges([samples / MS], ())[-1] < 115
