"""The report on a terminal: every number whole at every width, nothing that steers the terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from edgeproof.record.measured.load import CpuUse, LoadResult
from edgeproof.record.pictures import Picture
from edgeproof.record.run import Report
from edgeproof.report.formatting import ms, threads_words, throttling
from edgeproof.report.text.terminal import print_bench, print_report
from edgeproof.verify.latency import latency_of
from tests.support import sample_report as sample


def printed(report: Report, width: int = 80, *, terminal: bool = False) -> str:
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=terminal, color_system="truecolor" if terminal else None)
    print_report(report, console)
    return output.getvalue()


@pytest.mark.parametrize("width", [40, 80, 100, 140, 200])
def test_no_number_is_cut_at_any_width(width: int) -> None:
    text = printed(sample.report(), width)
    assert "…" not in text
    for run in sample.report().runs:
        assert run.latency is not None
        invoke, total = run.latency.stages["invoke"], run.latency.stages["total"]
        for number in (invoke.p50_ms, invoke.p90_ms, total.p50_ms, total.min_ms, total.max_ms):
            assert ms(number) in text
    assert text.count("person 0.90") == 4


@pytest.mark.parametrize("width", [80, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in printed(sample.report(), width).splitlines()) <= width


def test_a_wide_terminal_shows_a_run_in_one_row() -> None:
    row = next(line for line in printed(sample.report(), 140).splitlines() if line.startswith("pedestrian"))
    assert row.split()[:8] == ["pedestrian", "demo", "tflite-runtime", "2.14.0", "12.20", "123", "46.0", "/"]


def test_piped_output_has_no_control_sequences_and_a_terminal_s_has_colour() -> None:
    assert "\x1b" not in printed(sample.report())
    assert "\x1b[" in printed(sample.report(), terminal=True)


def test_the_board_is_described_once() -> None:
    text = " ".join(printed(sample.report()).split())
    assert text.count("Measured on demo: Raspberry Pi 4 Model B Rev 1.4, Debian GNU/Linux 12, aarch64") == 1
    assert text.count("200 runs after 10 to warm up, 2 threads") == 1


def test_an_emulated_board_is_marked() -> None:
    text = printed(Report((replace(sample.run(), board=sample.board(emulated=True)),)), 200)
    assert any(
        line.split() == ["int8", "emulated", "1", "failed"] for line in text.splitlines()
    )  # below the board's name
    assert "Emulated: its latency says nothing about real hardware." in text
    assert "mulated" not in printed(sample.report())


def test_a_missing_percentile_is_a_dash_with_its_reason_below() -> None:
    text = printed(Report((sample.run(runs=20),)), 140)
    run = sample.run(runs=20)
    assert run.latency is not None
    assert f"{ms(run.latency.stages['invoke'].p50_ms)} / - " in text
    assert "-  p90 needs at least 64 samples for 99 % confidence, there are 20" in text
    assert "p99" not in text  # the runs table has no p99


def test_a_run_without_a_bench_says_so() -> None:
    assert "-  no bench was run" in printed(Report((replace(sample.run(), latency=None),)))


def test_a_picture_shows_its_detections_none_or_its_error() -> None:
    lines = printed(Report((sample.run(),)), 100).splitlines()
    assert any(line.split() == ["coffee.png", "none"] for line in lines)
    assert any(line.split()[:4] == ["torn.jpg", "it", "is", "broken"] for line in lines)
    assert any(line.split() == ["astronaut.png", "person", "0.90"] for line in lines)
    assert any(line.split() == ["person", "0.71"] for line in lines)


def test_a_picture_full_of_detections_is_cut_short_and_says_so() -> None:
    crowd = Picture("crowd.jpg", 640, 480, tuple(sample.person(0.9 - index / 100) for index in range(9)))
    text = printed(Report((replace(sample.run(), pictures=(crowd,)),)))
    assert text.count("person 0.") == 4
    assert "and 5 more" in text


def test_more_runs_than_fit_are_cut_into_several_tables() -> None:
    runs = sample.report().runs
    text = printed(Report(runs + runs), 80)
    assert text.count("Found on each picture") == 2
    assert text.count("person 0.99") == 8


def test_names_cannot_steer_the_terminal() -> None:
    hostile = sample.person(label="\x1b[2Jevil\u202e[red]")
    picture = Picture("\x1b]0;title\x07.jpg", 10, 10, (hostile,))
    board = replace(sample.board(), name="b\x1bc", machine="m\x1b[31m")
    text = printed(Report((replace(sample.run(), board=board, pictures=(picture,)),)), 140)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "evil\ufffd[red] 0.90" in text  # rich's markup is not interpreted either


def test_a_run_that_ended_early_says_why() -> None:
    text = printed(Report((replace(sample.run(), error="the agent was killed by signal 9"),)), 140)
    assert "pedestrian int8 · tflite-runtime 2.14.0 · demo: the agent was killed by signal 9" in text


def test_a_video_is_one_line() -> None:
    text = printed(Report((replace(sample.run(), stream=sample.stream()),)), 140)
    assert "bikes.mp4, 95 frames at 19.0 a second, detections on 61" in text


def test_a_bench_is_shown_stage_by_stage() -> None:
    console = Console(file=io.StringIO(), width=80)
    print_bench(sample.run(runs=200), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    rows = [line.split() for line in text.splitlines()]
    start = rows.index(["stage", "mean", "min", "p50", "p90", "p95", "p99", "max", "MAD"])
    assert [row[0] for row in rows[start + 2 : start + 7]] == ["decode", "preprocess", "invoke", "postprocess", "total"]
    assert next(row for row in rows if row and row[0] == "invoke")[6] == "-"
    assert "p99 needs at least 662 samples" in text
    assert "Drift 1.0" in text


def test_a_bench_too_short_for_drift_says_so() -> None:
    console = Console(file=io.StringIO(), width=80)
    print_bench(replace(sample.run(), latency=latency_of(sample.bench(20))), console)
    assert "Drift is unknown: it needs at least 33 samples" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0834, "0.083"),
        (0.9996, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1234.5, "1234"),
    ],
)
def test_milliseconds_are_shown_to_three_digits(value: float | None, text: str) -> None:
    assert ms(value) == text


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (None, "not available"),
        (0, "none"),
        (0x50000, "since boot: under-voltage, throttled"),
        (0x50005, "now: under-voltage, throttled; since boot: under-voltage, throttled"),
        (0x8, "now: soft temperature limit"),
    ],
)
def test_throttling_bits_are_put_into_words(bits: int | None, text: str) -> None:
    assert throttling(bits) == text


def many_pictures(count: int) -> Report:
    (found, _, empty, torn) = sample.pictures()
    pictures = [replace(found, name=f"{number}.jpg") for number in range(count - 30)]
    pictures += [replace(empty, name=f"empty-{number}.jpg") for number in range(20)]
    pictures += [replace(torn, name=f"torn-{number}.jpg") for number in range(10)]
    return Report((replace(sample.run(), pictures=tuple(pictures)),))


@pytest.mark.parametrize("width", [80, 140])
def test_a_thousand_pictures_are_summed_up(width: int) -> None:
    lines = printed(many_pictures(1000), width).splitlines()
    assert len(lines) <= 32
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "1000 970 10 1940 1940 person" in text
    assert "torn-4.jpg: it is broken" in text
    assert "torn-5.jpg" not in text
    assert "and 5 more failed" in text


def test_a_few_pictures_are_told_of_one_by_one() -> None:
    text = printed(many_pictures(40), 140)
    assert all(f"{number}.jpg" in text for number in range(10))
    assert "41 " in " ".join(printed(many_pictures(41), 140).split())
    assert not any(line.startswith("0.jpg") for line in printed(many_pictures(41), 140).splitlines())


def test_runs_side_by_side_stand_in_the_table_only_where_there_are_no_others() -> None:
    both = Report((sample.run("float32"), sample.run()), comparisons=(sample.comparison(),))
    assert printed(both, 140).count("pedestrian") == 2
    beside = Report((sample.run("float16"), *both.runs), comparisons=(replace(sample.comparison(), a=1, b=2),))
    text = printed(beside, 140)
    assert text.count("pedestrian") == 1
    assert "float16" in text


def test_the_commonest_labels_of_many_pictures_are_told_with_their_numbers() -> None:
    (found, *_) = sample.pictures()
    names = [f"label {number}" for number in range(7) for _ in range(10 - number)]
    pictures = tuple(
        replace(found, name=f"{place}.jpg", detections=(sample.person(label=name),)) for place, name in enumerate(names)
    )
    text = " ".join(printed(Report((replace(sample.run(), pictures=pictures),)), 200).split())
    assert "10 label 0, 9 label 1, 8 label 2, 7 label 3, 6 label 4, 2 more labels" in text


def test_threads_on_a_share_of_the_board_are_told_with_it() -> None:
    load = LoadResult(1, 1, 2, cpus=CpuUse(8, 4, 2, 1.5, 4, "big"))
    assert threads_words(load) == "2 threads on 2 of 8 CPUs, the big ones, 1.5 CPUs' worth of time"
    assert threads_words(LoadResult(1, 1, 1, cpus=CpuUse(4, 4, 4))) == "1 thread"
    assert threads_words(LoadResult(1, 1, 1, delegate="libedgetpu.so.1")) == "1 thread, delegate libedgetpu.so.1"
