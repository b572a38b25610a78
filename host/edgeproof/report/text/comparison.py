"""A comparison of two runs in words and a table."""

from rich.console import Console
from rich.text import Text

from edgeproof.record.measured.profile import Profile
from edgeproof.record.run import Report
from edgeproof.record.verdict.comparison import Comparison, StageRatio
from edgeproof.report.formatting import ms, run_title
from edgeproof.report.text.table import plain_table
from edgeproof.verify.operator_times import deciding_operator
from edgeproof.wording.printable import shown, shown_line


def print_comparison(report: Report, comparison: Comparison, console: Console) -> None:
    """What was compared, the answer in one line, then each stage."""
    for letter, place in (("A", comparison.a), ("B", comparison.b)):
        console.print(Text(f"{letter}: {shown_line(run_title(report.runs[place]))}"))
    for line in comparison_lines(report, comparison):
        console.print(Text(line, style="bold" if line.startswith("B ") else ""))
    table = plain_table("B over A")
    for head in ("stage", "ratio", "95 % interval", "B - A, ms"):
        table.add_column(head, justify="left" if head == "stage" else "right")
    for name, stage in comparison.stages.items():
        interval = f"{stage.low:.3f} to {stage.high:.3f}"
        table.add_row(shown_line(name), f"{stage.ratio:.3f}", interval, f"{stage.difference_ms:+.3f}")
    console.print(table)


def comparison_lines(report: Report, comparison: Comparison) -> list[str]:
    """The answer, what makes the difference, and what it rests on."""
    total = comparison.stages.get("total")
    if total is None:
        return ["the stages are too short for the board's clock: nothing can be told of them"]
    lines = [f"B {_verdict(total)}"]
    if comparison.void:
        lines = [f"not told: {shown('; '.join(comparison.void))}"]
    elif total.told_apart and comparison.deciding_stage is not None:
        lines.append(f"{shown_line(comparison.deciding_stage)} makes most of the difference")
        lines += _operator_lines(report.runs[comparison.a].profile, report.runs[comparison.b].profile)
    lines.append(f"{comparison.pairs} pairs of blocks of {comparison.block_runs} runs, in turns (ABBA)")
    return lines


def _operator_lines(a: Profile | None, b: Profile | None) -> list[str]:
    """Which kind of operator makes most of the difference in invoke, or why that cannot be told."""
    if a is None or b is None:
        return []
    for letter, profile in (("A", a), ("B", b)):
        if profile.unavailable is not None:
            return [f"of {letter} no operator's time is told: {shown_line(profile.unavailable)}"]
    most = deciding_operator(a, b)
    if most is None:
        return []
    return [f"of invoke it is {shown_line(most.kind)}: {ms(most.a_ms)} ms in A, {ms(most.b_ms)} ms in B"]


def _verdict(total: StageRatio) -> str:
    interval = f"{total.low:.3f} to {total.high:.3f}, 95 %"
    if not total.told_apart:
        return f"and A are not told apart: B takes {total.ratio:.3f} times as long ({interval})"
    if total.ratio < 1:
        return f"is {1 / total.ratio:.2f} times as fast as A: it takes {total.ratio:.3f} times as long ({interval})"
    return f"is slower than A: it takes {total.ratio:.3f} times as long ({interval})"
