"""The report as one self-contained HTML page."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.board import BoardInfo
from edgeproof.record.measured.latency import PERCENTS, LatencySummary
from edgeproof.record.measured.measurements import Frame
from edgeproof.record.pictures import Picture
from edgeproof.record.run import BundleFacts, Report, Run
from edgeproof.report.charts.style import series_variable
from edgeproof.report.charts.timeline import timeline_svg
from edgeproof.report.drawing.embedded_picture import data_uri
from edgeproof.report.formatting import (
    board_facts,
    flattened,
    megabytes,
    missing_reasons,
    ms,
    run_title,
    state_facts,
    threads_words,
    whole,
)
from edgeproof.report.headline import headline
from edgeproof.report.page.figures import curves, distributions, front, profiles
from edgeproof.report.page.mismatches import mismatches
from edgeproof.report.page.template import page_template
from edgeproof.report.text.accuracy import ERROR_WORDS, accuracy_notes, estimate_words, reference_lines
from edgeproof.report.text.comparison import comparison_lines
from edgeproof.report.text.energy import energy_lines
from edgeproof.report.text.streams import stream_facts, stream_summaries
from edgeproof.report.text.verdict import claim_line, limits, parity_lines
from edgeproof.wording.printable import shown, shown_line

_MOST_PICTURES = 48  # on the page: a data set's thousands are for the detections file
_MOST_GRID_BYTES = 1_800_000  # of these pictures as text, but for the first row
_MOST_COLUMNS = 4
_FILTERS: dict[str, Callable[..., str]] = {
    "ms": ms,
    "megabytes": megabytes,
    "whole": whole,
    "shown_line": shown_line,
    "shown": shown,
}
_WIDEST, _WIDEST_OF_MANY = 640, 420  # pixels; the latter from 17 pictures on


def _part(name: str) -> Markup:
    """A file of ours that goes into the page as it is."""
    return Markup((resources.files("edgeproof.report.page") / name).read_text("utf-8"))


# Read with this module, which a command imports while it waits for a board.
_TEMPLATE = page_template(_FILTERS)
_STYLE, _SCRIPT = _part("style.css"), _part("script.js")
_SCRIPT_DIGEST = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
"""The page's policy lets this very script run, and no other."""


@dataclass(frozen=True)
class _Cell:
    """A picture in a run, as the page shows it."""

    picture: Picture | None
    image: str | None


@dataclass(frozen=True)
class _Share:
    """A stage's part of the total, in percent of the sum of the stages' means."""

    stage: str
    mean_ms: float
    percent: float


def render_html(report: Report) -> str:
    """The page. Pictures that cannot be read are said to be missing; text from outside is escaped."""
    runs = report.runs
    with_pictures = [run for run in runs if run.pictures]
    names = list(dict.fromkeys(picture.name for run in with_pictures for picture in run.pictures))
    grid = _grid(with_pictures, names[: max(1, _MOST_PICTURES // max(1, len(with_pictures)))])
    boards: dict[str, BoardInfo] = {run.board.name: run.board for run in runs}
    bundles: dict[str, BundleFacts] = {run.bundle.digest: run.bundle for run in runs}
    return _TEMPLATE.render(
        report=report,
        style=_STYLE,
        script=_SCRIPT,
        script_digest=_SCRIPT_DIGEST,
        headline=headline(report),
        accurate=[(place, run) for place, run in enumerate(runs) if run.accuracy is not None],
        accuracy_notes=accuracy_notes,
        reference_lines=reference_lines,
        estimate_words=estimate_words,
        error_words=ERROR_WORDS,
        run_title=run_title,
        claim_line=claim_line,
        limits=limits,
        parity_lines=parity_lines,
        series_variable=series_variable,
        comparisons=[(comparison, comparison_lines(report, comparison)) for comparison in report.comparisons],
        distributions=distributions(report),
        front=front(report),
        curves=curves(report),
        profiles=profiles(report),
        timelines=[_timeline(run, index) for index, run in enumerate(runs)],
        mismatches=mismatches(runs),
        with_pictures=with_pictures,
        columns=_columns(len(with_pictures)),
        grid=grid,
        left_out=len(names) - len(grid),
        several_boards=len(boards) > 1,
        shares={index: _shares(run.latency.stages) for index, run in enumerate(runs) if run.latency},
        energy_lines=energy_lines,
        threads_words=threads_words,
        reasons=lambda run: missing_reasons(run, PERCENTS),
        stream_facts=stream_facts,
        stream_summaries=stream_summaries,
        strips={index: _strip(run) for index, run in enumerate(runs) if run.stream},
        boards=[(board, board_facts(board)) for board in boards.values()],
        states=[(run, state_facts(run.before, run.after)) for run in runs if run.before or run.after],
        bundles=[(bundle, flattened(bundle.provenance)) for bundle in bundles.values()],
    )


def write_html(report: Report, path: Path) -> None:
    """Writes the page, as a whole or not at all."""
    write_atomically(path, render_html(report).encode())


def _columns(runs: int) -> int:
    """Of the pictures: as many as there are runs, in rows of equal length where they are too many for one."""
    rows = -(-runs // _MOST_COLUMNS)
    return -(-runs // rows) if rows else 1


def _grid(runs: Sequence[Run], names: Sequence[str]) -> list[tuple[str, list[_Cell]]]:
    """One row a picture, one cell a run; fewer rows where the pictures would make the page heavy."""
    widest = _WIDEST if len(runs) * len(names) <= 16 else _WIDEST_OF_MANY
    by_name = [{picture.name: picture for picture in run.pictures} for run in runs]

    def cell(picture: Picture | None) -> _Cell:
        drawn = picture.annotated if picture else None
        return _Cell(picture, data_uri(drawn, widest) if drawn else None)

    grid: list[tuple[str, list[_Cell]]] = []
    left = _MOST_GRID_BYTES
    for name in names:
        cells = [cell(pictures.get(name)) for pictures in by_name]
        left -= sum(len(one.image) for one in cells if one.image is not None)
        if grid and left < 0:
            break
        grid.append((name, cells))
    return grid


def _timeline(run: Run, index: int) -> Markup | None:
    svg = timeline_svg(run, index, f"time{index}")
    return None if svg is None else Markup(svg)


def _shares(stages: Mapping[str, LatencySummary]) -> list[_Share]:
    parts = {stage: summary.mean_ms for stage, summary in stages.items() if stage != "total"}
    whole_ms = sum(parts.values())
    return [_Share(stage, mean, 100 * mean / whole_ms) for stage, mean in parts.items()] if whole_ms else []


def _strip(run: Run) -> list[tuple[Frame, str]]:
    """Frames that can be shown, each with its data: URI."""
    frames = run.stream.shown if run.stream else ()
    images = ((frame, data_uri(frame.annotated, _WIDEST_OF_MANY)) for frame in frames)
    return [(frame, image) for frame, image in images if image is not None]
