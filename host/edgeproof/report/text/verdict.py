"""The verdict for a terminal: the answer first, then a line a gate with its value, its bounds and its limit."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.chain import deciding_step
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.record.verdict.parity import Parity
from edgeproof.report.formatting import run_title
from edgeproof.verify.parity import share_differing
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import hanging, shown, shown_line

_STYLES = {Answer.PASS: "green", Answer.FAIL: "red", Answer.INCONCLUSIVE: "yellow"}
_WORST_SHOWN = 5
_ANSWER_WIDTH = 12
_INDENT = (0, 0, 0, 2)


def print_verdict(report: Report, console: Console) -> None:
    """Prints the verdict of a report with gates, then what limits each run."""
    print_answer(report, console)
    if report.verdict is None:
        return
    for run in report.runs:
        if not run.claims and run.parity is None and run.error is None:
            continue
        console.print()
        console.print(Text(shown_line(run_title(run)), style="bold"))
        for claim in run.claims:
            table = Table.grid(padding=(0, 2))
            table.add_column(width=_ANSWER_WIDTH)
            table.add_column()
            words = Text(claim_line(claim))
            if claim.note is not None:
                words.append(f"\n{shown(claim.note)}", style="dim")
            table.add_row(Text(claim.answer.value, style=_STYLES[claim.answer]), words)
            console.print(Padding(table, _INDENT))
        for text in [*limits(run), *([] if run.parity is None else parity_lines(run.parity))]:
            console.print(Padding(Text(text, style="dim"), _INDENT))
        if run.error is not None:
            console.print(Padding(Text(shown(run.error), style="red"), _INDENT))
    if report.not_measured:
        console.print()
    for missing in report.not_measured:
        console.print(Text(f"not measured: {hanging(missing)}", style="red"), soft_wrap=True)


def print_answer(report: Report, console: Console) -> None:
    """The verdict in one line."""
    verdict = report.verdict
    if verdict is None:
        console.print(Text("verdict: none, since no gate was given", style="bold"))
        console.print(Text("Name one with --gate 'total p95 < 80 ms', or write [check]: edgeproof check --init"))
        return
    console.print(Text(f"verdict: {verdict.value.upper()}", style=f"bold {_STYLES[verdict]}"))


def claim_line(claim: Claim) -> str:
    """`total p95 < 80 ms: 56.1 ms, 55.2 to 57.9, of 200`."""
    gate = shown_line(claim.gate)
    if claim.value is None:
        return f"{gate}: not known"
    unit = f" {shown_line(claim.unit)}" if claim.unit else ""
    words = f"{gate}: {figure(claim.value)}{unit}"
    if claim.low is not None and claim.low == claim.high:
        return words
    low = "unbounded" if claim.low is None else figure(claim.low)
    high = "unbounded" if claim.high is None else figure(claim.high)
    samples = "" if claim.samples is None else f", of {claim.samples}"
    return f"{words}, {low} to {high}{samples}"


def figure(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def limits(run: Run) -> Iterator[str]:
    """The stage that takes most of a run's time."""
    if run.latency is None or "total" not in run.latency.stages:
        return
    stages = {name: summary.mean_ms for name, summary in run.latency.stages.items() if name != "total"}
    whole = run.latency.stages["total"].mean_ms
    if stages and whole > 0:
        name = max(stages, key=lambda stage: stages[stage])
        yield f"{shown_line(name)} takes {100 * stages[name] / whole:.0f} % of the total time"


def parity_lines(parity: Parity) -> list[str]:
    """What was compared, where pictures part, and the worst of them."""
    bounds = share_differing(parity)
    same = parity.confident - parity.differing
    lines = [
        f"parity with this machine ({shown_line(parity.host_runtime)}): {same} of "
        f"{counted(parity.confident, 'confident detection')} the same on {counted(len(parity.pictures), 'picture')}, "
        f"at most {100 * bounds.high:.2g} % differ (95 %); {parity.borderline} borderline"
    ]
    for stage, pictures in parity.parted.items():
        lines.append(f"{counted(pictures, 'picture')} first part at {stage.value}: {stage.cause}")
    lines += chain_lines(parity)
    for picture in parity.worst(_WORST_SHOWN):
        words = f"{picture.differing} differ" if picture.note is None else shown(picture.note)
        at = "" if picture.parts_at is None else f", from {picture.parts_at.value} on"
        lines.append(f"  {shown_line(picture.name)}: {words}{at}")
    return lines


def chain_lines(parity: Parity) -> list[str]:
    """A line a step from the source to the board, then which of them makes the difference."""
    lines = []
    for link in parity.chain:
        if link.missing is not None:
            words = f"not told: {shown_line(link.missing)}"
        else:
            words = f"{link.differing} of {counted(link.same + link.differing, 'confident detection')} differ"
        lines.append(f"{link.step.value} ({link.step.ends}): {words}")
    decides = deciding_step(parity.chain)
    return lines if decides is None else [*lines, f"{decides.value} makes most of the difference"]


def verdicts(runs: Sequence[Run]) -> Iterator[tuple[Run, Claim]]:
    """Every gate of every run."""
    for run in runs:
        for claim in run.claims:
            yield run, claim
