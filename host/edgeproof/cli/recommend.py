"""`edgeproof recommend`: which of the cells that were measured to take."""

import json
from pathlib import Path

import click

from edgeproof.check.matrix import gates_of
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import find_config
from edgeproof.config.check import CheckConfig, read_check
from edgeproof.errors import UsageError
from edgeproof.history.candidates import contest_of
from edgeproof.history.database import History
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.record.verdict.claims import Answer
from edgeproof.report.text.recommendation import print_recommendation, recommendation_json
from edgeproof.verify.front import Contest, Figure
from edgeproof.verify.recommendation import recommend

_REPORT = "report.json"
_MOST_REPORTS = 50


@click.command(name="recommend", cls=BoardCommand)
@click.argument("reports", nargs=-1, metavar="[REPORT...]")
@click.option(
    "--gate", "gates", multiple=True, metavar="GATE", help="What a cell must pass.  [default: the gates of [check]]"
)
@click.option(
    "--by",
    type=click.Choice([figure.value for figure in (Figure.LATENCY, Figure.SIZE, Figure.ENERGY)]),
    help="What a cell costs.  [default: latency, or size where it was not measured in all]",
)
@click.option("--board", metavar="NAME", help="Only runs on this board.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    reports: tuple[str, ...],
    gates: tuple[str, ...],
    by: str | None,
    board: str | None,
    as_json: bool,
) -> None:
    """Name the cheapest cell that passes the gates, and all that nothing else beats in latency, accuracy, size
    and, where it was measured, energy.

    REPORT is a report.json (or its folder), a number of the history or a baseline; without one the newest runs of the
    history are taken. What was measured of one cell at different times counts together.

    Exit status: 0 when a cell passes, 1 when all fail, 3 when none passes and some are inconclusive.
    """
    path = find_config()
    config = (read_check(path) if path is not None else None) or CheckConfig()
    wanted = gates_of(config.gates, path, gates)
    contest = _contest(reports, path, board)
    found = recommend(contest, wanted, None if by is None else Figure(by))
    if as_json:
        echo(json.dumps(recommendation_json(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_recommendation(found, Terminal())
    if found.cheapest is None:
        ctx.exit(3 if any(judged.answer is Answer.INCONCLUSIVE for judged in found.judged) else 1)


def _contest(words: tuple[str, ...], config: Path | None, board: str | None) -> Contest:
    """Raises `UsageError` when no run has a latency or an accuracy."""
    contest = contest_of(_named(words, config), board) if words else _newest(config, board)
    if not contest.candidates:
        raise UsageError(
            "There is no run with a latency or an accuracy to choose from. Measure some: edgeproof check, bench and "
            "accuracy keep theirs in the history."
        )
    return contest


def _newest(config: Path | None, board: str | None) -> Contest:
    history = open_history(history_url(config))
    try:
        numbers = list(dict.fromkeys(run.report for run in history.runs(board)))[-_MOST_REPORTS:]
        return contest_of([history.report(number) for number in numbers], board, newest_bundles=True)
    finally:
        history.close()


def _named(words: tuple[str, ...], config: Path | None) -> list[Report]:
    history: History | None = None
    found = []
    try:
        for word in words:
            path = Path(word)
            if path.is_dir() or path.is_file() or path.suffix == ".json":
                found.append(read_report(path / _REPORT if path.is_dir() else path))
                continue
            history = history or open_history(history_url(config))
            known = history.baselines()
            if not word.isdigit() and word not in known:
                names = ", ".join(known) or "none yet"
                raise UsageError(
                    f"{word!r} is neither a report, nor a number of the history, nor a baseline (there are: {names})."
                )
            found.append(history.report(known[word] if word in known else int(word)))
    finally:
        if history is not None:
            history.close()
    return found
