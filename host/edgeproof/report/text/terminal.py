"""The report as tables on a terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from edgeproof.record.measured.latency import PERCENTS, LatencySummary
from edgeproof.record.measured.measurements import Latency, Stream
from edgeproof.record.pictures import Picture
from edgeproof.record.run import Report, Run
from edgeproof.report.formatting import (
    ABSENT,
    board_facts,
    missing_reasons,
    ms,
    run_title,
    threads_words,
    whole,
)
from edgeproof.report.text.accuracy import print_accuracy
from edgeproof.report.text.energy import energy_lines
from edgeproof.report.text.picture_summary import MOST_LISTED, failure_lines, summary_table
from edgeproof.report.text.streams import stream_facts, stream_line, stream_summaries
from edgeproof.report.text.table import UNBOUNDED, plain_table, print_table
from edgeproof.wording.printable import hanging, shown, shown_line

_PERCENTS_OF_RUNS = (50, 90)  # what the runs table states
_LABELS_SHOWN = 4  # a cell of the pictures table
_PICTURE_COLUMN, _RUN_COLUMN, _WIDEST_RUN_COLUMN = 14, 14, 24  # widths in the pictures table


def print_report(report: Report, console: Console) -> None:
    """Prints what was measured, on what, and what was found on each picture."""
    report = replace(report, runs=report.alone or report.runs, comparisons=())
    if any((run.load or run.latency) and not _of_labels_alone(run) for run in report.runs):
        print_table(console, runs_table(report, console.width))
        for line in latency_notes(report, _PERCENTS_OF_RUNS):
            console.print(Text(line, style="dim"))
    _print_pictures(report, console)
    if any(run.accuracy for run in report.runs):
        if not all(map(_of_labels_alone, report.runs)):
            console.print()
        print_accuracy(report.runs, console)
    for run in report.runs:
        if run.stream is not None:
            console.print()
            console.print(Text(f"{run_title(run)}: {stream_line(run)}"))
            if run.stream.told is not None:
                _print_stream(run.stream, console)
    for run in report.runs:
        if run.error is not None:
            console.print(Text(f"{run_title(run)}: {hanging(run.error)}", style="red"))


def _of_labels_alone(run: Run) -> bool:
    """Whether nothing but accuracy was measured."""
    return run.accuracy is not None and not (run.latency or run.pictures or run.stream)


def _print_pictures(report: Report, console: Console) -> None:
    with_pictures = [run for run in report.runs if run.pictures]
    if max((len(run.pictures) for run in with_pictures), default=0) <= MOST_LISTED:
        for table in pictures_tables(report, console.width):
            console.print()
            print_table(console, table)
        return
    console.print()
    print_table(console, summary_table(with_pictures))
    for run in with_pictures:
        for line in failure_lines(run):
            console.print(Text(f"{run.runtime.name} {shown_line(run.bundle.variant)}: {line}", style="red"))


def runs_table(report: Report, width: int) -> Table:
    """One row a run. Where that is too wide, runtime and version, the percentiles, p50 and range are stacked."""
    wide = _runs_table(report, wide=True)
    fits = Console(width=UNBOUNDED).measure(wide).maximum <= width
    return wide if fits else _runs_table(report, wide=False)


def _runs_table(report: Report, wide: bool) -> Table:
    table = plain_table("Runs")
    for head in ("model\nvariant", "board", "runtime") if wide else ("model\nvariant", "board\nruntime"):
        table.add_column(head, overflow="fold", min_width=9 if head.startswith("model") else 12)
    heads = ["size\nMB", "load\nms", "invoke ms\np50 / p90", "total ms\np50 (min..max)", "peak\nRSS MiB"]
    for head in (
        heads if wide else [head.replace(" / ", "\n").replace(" (", "\n(").replace(" M", "\nM") for head in heads]
    ):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("pictures", justify="right", no_wrap=True)
    for run in report.runs:
        table.add_row(*_run_cells(run, wide))
    return table


def latency_notes(report: Report, percents: Sequence[int] = PERCENTS) -> list[str]:
    """What the latencies were measured on, said once, and why a percentile of `percents` is missing."""
    notes = []
    boards = {run.board.name: run.board for run in report.runs}
    for board in boards.values():
        emulated = " Emulated: its latency says nothing about real hardware." if board.emulated else ""
        notes.append(f"Measured on {shown_line(board.name)}: {', '.join(board_facts(board))}.{emulated}")
    conditions: dict[str, list[str]] = {}
    for run in report.runs:
        if run.latency is not None:
            conditions.setdefault(_conditions(run), []).append(f"{run.runtime.name} {run.bundle.variant}")
    if len(conditions) == 1:
        notes.append(f"Latency: wall time by the board's own clock, {next(iter(conditions))}.")
    elif conditions:
        notes.append("Latency: wall time by the board's own clock.")
        notes += [f"  {shown_line(', '.join(runs))}: {condition}" for condition, runs in conditions.items()]
    reasons = dict.fromkeys(reason for run in report.runs for reason in missing_reasons(run, percents))
    return notes + [f"{ABSENT}  {reason}" for reason in reasons]


def pictures_tables(report: Report, width: int) -> list[Table]:
    """Picture x run, cut into as many tables as it takes for every score to stay whole."""
    runs = [(number, run) for number, run in enumerate(report.runs, start=1) if run.pictures]
    at_once = max(1, (width - _PICTURE_COLUMN) // (_RUN_COLUMN + 2))
    return [_pictures_table(runs[start : start + at_once]) for start in range(0, len(runs), at_once)]


def bench_table(run: Run) -> Table:
    """One row a stage, in ms. Raises `ValueError` when the run has no bench."""
    if run.latency is None:
        raise ValueError("the run has no bench")
    return _stages_table(f"{run_title(run)}, ms a stage", run.latency.stages.items())


def print_bench(run: Run, console: Console) -> None:
    """Prints a bench stage by stage, then on what and how it was measured, drift and what is missing."""
    print_table(console, bench_table(run))
    energy = [] if run.latency is None else energy_lines(run.latency)
    for line in [*drift_notes(run), *energy, *latency_notes(Report((run,)))]:
        console.print(Text(line, style="dim"))


def drift_notes(run: Run) -> list[str]:
    if run.latency is None:
        return []
    ratio = run.latency.drift.ratio
    if ratio is None:
        return [f"Drift is unknown: {run.latency.drift.reason}."]
    return [f"Drift {ratio:.3f}: the last third's median over the first third's."]


def _run_cells(run: Run, wide: bool) -> list[RenderableType]:
    name = [shown_line(run.board.name)] + ["emulated"] * run.board.emulated
    runtime = [shown_line(run.runtime.name), shown_line(run.runtime.version)]
    who = ["\n".join(name), " ".join(runtime)] if wide else ["\n".join(name + runtime)]
    invoke, total = _stage(run.latency, "invoke"), _stage(run.latency, "total")
    numbers = [
        f"{run.bundle.size_bytes / 1e6:.2f}",
        ms(run.load.load_ns / 1e6) if run.load else ABSENT,
        (" / " if wide else "\n").join([ms(invoke.p50_ms), ms(invoke.p90_ms)]) if invoke else ABSENT,
        (" " if wide else "\n").join([ms(total.p50_ms), f"({ms(total.min_ms)}..{ms(total.max_ms)})"])
        if total
        else ABSENT,
        whole(run.peak_rss_mib),
    ]
    failed = sum(picture.error is not None for picture in run.pictures)
    pictures = Text(str(len(run.pictures)) if run.pictures else ABSENT)
    if failed:
        pictures.append(f"\n{failed} failed", style="red")
    model = f"{shown_line(run.bundle.name)}\n{shown_line(run.bundle.variant)}"
    return [Text(model), *map(Text, who), *map(Text, numbers), pictures]


def _stage(latency: Latency | None, stage: str) -> LatencySummary | None:
    return latency.stages.get(stage) if latency else None


def _conditions(run: Run) -> str:
    assert run.latency is not None
    threads = reason = ""
    if run.load is not None:
        threads = f", {threads_words(run.load)}"
        reason = "" if run.load.threads_reason is None else f"\nonly one thread: {run.load.threads_reason}"
    return f"{run.latency.runs} runs after {run.latency.warmup_runs} to warm up{threads}{reason}"


def _pictures_table(runs: Sequence[tuple[int, Run]]) -> Table:
    scores = {run.min_score for _, run in runs}
    table = plain_table("Found on each picture" + (f", score {min(scores):.2f} or more" if len(scores) == 1 else ""))
    table.add_column("picture", overflow="fold", min_width=_PICTURE_COLUMN)
    several_boards = len({run.board.name for _, run in runs}) > 1
    for _, run in runs:
        head = [run.board.name] * several_boards + [run.runtime.name, run.bundle.variant]
        table.add_column(
            Text("\n".join(map(shown_line, head))), overflow="fold", min_width=_RUN_COLUMN, max_width=_WIDEST_RUN_COLUMN
        )
    names = list(dict.fromkeys(picture.name for _, run in runs for picture in run.pictures))
    by_name = [{picture.name: picture for picture in run.pictures} for _, run in runs]
    for name in names:
        cells = [_found(pictures.get(name)) for pictures in by_name]
        table.add_row(Text(shown_line(name)), *cells)
    return table


def _found(picture: Picture | None) -> Text:
    if picture is None:
        return Text(ABSENT, style="dim")
    if picture.error is not None:
        return Text(shown_line(picture.error), style="red")
    if not picture.detections:
        return Text("none", style="dim")
    listed = picture.detections[:_LABELS_SHOWN]
    lines = [f"{shown_line(item.label)} {item.score:.2f}" for item in listed]
    more = len(picture.detections) - len(listed)
    return Text("\n".join(lines + [f"and {more} more"] * bool(more)), style="green")


def _stages_table(title: str, stages: Iterable[tuple[str, LatencySummary]]) -> Table:
    table = plain_table(title)
    table.add_column("stage", overflow="fold", min_width=7)
    for head in ("mean", "min", "p50", "p90", "p95", "p99", "max", "MAD"):
        table.add_column(head, justify="right", no_wrap=True)
    for stage, of in stages:
        numbers = (of.mean_ms, of.min_ms, of.p50_ms, of.p90_ms, of.p95_ms, of.p99_ms, of.max_ms, of.mad_ms)
        table.add_row(Text(shown_line(stage)), *(Text(ms(number)) for number in numbers))
    return table


def _print_stream(stream: Stream, console: Console) -> None:
    for line in stream_facts(stream):
        console.print(Text(line, style="dim"))
    print_table(console, _stages_table("Stages of a frame, ms", stream_summaries(stream)))
    for words in stream.problems:
        console.print(Text(shown(words), style="yellow"))
