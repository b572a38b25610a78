"""`edgeproof board doctor`: what a board is, what is wrong with it, and what helps."""

import json

import click
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edgeproof.board.doctor.diagnosis import SCHEMA, Diagnosis, diagnose
from edgeproof.board.doctor.finding import Finding, Level
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile
from edgeproof.wording.counting import counted

EXIT_UNHEALTHY = 1
_NARROW = 60
_MARKS = {
    Level.GOOD: ("✓", "green"),
    Level.NOT_AVAILABLE: ("·", "dim"),
    Level.WARNING: ("!", "yellow"),
    Level.BAD: ("✗", "red"),
}


@click.command(name="doctor", cls=BoardCommand)
@one_or_many("doctor")
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON (schema {SCHEMA}).")
@click.pass_context
def command(ctx: click.Context, board: BoardProfile, as_json: bool) -> None:
    """Examine BOARD: what it is, what is on it, what is wrong, and what helps. Nothing is changed on it.

    Exit status: 0 when nothing is bad (warnings are allowed), 1 when something is, 2 when it cannot be examined.
    """
    diagnosis = diagnose(board)
    if as_json:
        echo(json.dumps(diagnosis.to_json(), indent=2, ensure_ascii=False))
    else:
        print_diagnosis(diagnosis, Terminal())
    if not diagnosis.healthy:
        ctx.exit(EXIT_UNHEALTHY)


def print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """One line a finding, its remedy below; on a narrow terminal no column for the names."""
    wide = console.width >= _NARROW
    width = max(len(finding.name) for finding in diagnosis.findings)
    for section, findings in diagnosis.sections.items():
        console.print(Text(section, style="bold"))
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(width=1)
        table.add_column(overflow="fold", min_width=width if wide else None)
        table.add_column(overflow="fold")
        for finding in findings:
            mark, style = _MARKS[finding.level]
            value = Text(finding.value, "" if finding.level is Level.GOOD else style)
            name = Text(finding.name)
            cells = (
                (name, _with_remedy(value, finding)) if wide else (_with_remedy(name + Text(": ") + value, finding),)
            )
            table.add_row(Text(mark, style), *cells)
        console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print(Text(_summary(diagnosis), style="bold"))


def _with_remedy(text: Text, finding: Finding) -> RenderableType:
    return Group(text, Text(f"→ {finding.remedy}")) if finding.remedy else text


def _summary(diagnosis: Diagnosis) -> str:
    bad, warnings = diagnosis.count(Level.BAD), diagnosis.count(Level.WARNING)
    if not bad and not warnings:
        return f"{diagnosis.board} is well"
    parts = [f"{bad} bad"] * bool(bad) + [counted(warnings, "warning")] * bool(warnings)
    return f"{diagnosis.board}: {', '.join(parts)}"
