"""Accuracy on a terminal: a row a run, what references reach, kinds of error, and the classes."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeproof.record.accuracy.figures import AREAS, Accuracy, Estimate
from edgeproof.record.run import Run
from edgeproof.report.formatting import ABSENT
from edgeproof.report.text.table import plain_table, print_table
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import shown_line

_MOST_CLASSES = 20
ERROR_WORDS = {
    "classification": "class",
    "localization": "place",
    "both": "both",
    "duplicate": "twice",
    "background": "nothing there",
    "missed": "missed",
    "false_positive": "all wrong",
    "false_negative": "all missed",
}
"""Kinds of error as tables head them, in their order."""


def print_accuracy(runs: Sequence[Run], console: Console) -> None:
    """Prints what was measured on labelled data sets; nothing where none was."""
    measured = [(run, run.accuracy) for run in runs if run.accuracy is not None]
    if not measured:
        return
    print_table(console, _maps(measured))
    for line in dict.fromkeys(line for _, accuracy in measured for line in accuracy_notes(accuracy)):
        console.print(Text(line, style="dim"))
    for run, accuracy in measured:
        for line in reference_lines(accuracy):
            console.print(Text(f"{shown_line(run.bundle.variant)}: {line}" if len(measured) > 1 else line))
    console.print()
    print_table(console, _errors(measured))
    console.print(Text("TIDE: mAP50 that mending each kind of error alone would add.", style="dim"))
    if len(measured) == 1:
        console.print()
        print_table(console, _classes(measured[0][1]))
        left = len(measured[0][1].classes) - _MOST_CLASSES
        if left > 0:
            console.print(Text(f"The {_MOST_CLASSES} lowest; {left} more are in report.json.", style="dim"))


def accuracy_notes(accuracy: Accuracy) -> Iterator[str]:
    """On what it was measured, and by what."""
    data_set = accuracy.data_set
    yield (
        f"{shown_line(data_set.name)} ({data_set.kind}): {counted(data_set.pictures, 'picture')}, "
        f"{counted(data_set.objects, 'object')}, {counted(len(accuracy.classes), 'class', 'classes')}; "
        f"evaluated by {shown_line(accuracy.evaluator)}; {100 * accuracy.confidence:.0f} % intervals."
    )
    if data_set.left_out:
        yield f"Classes that the model does not know are left out: {shown_line(', '.join(data_set.left_out))}."
    if accuracy.failed:
        yield f"{counted(accuracy.failed, 'picture')} had no answer, and count as if nothing had been found."
    if accuracy.map.low is None:
        yield "No intervals: there are too few pictures."


def reference_lines(accuracy: Accuracy) -> Iterator[str]:
    """`mAP 0.0040 below float32 on the host (...): -0.0010 to +0.0090, not told apart`."""
    for one in accuracy.against:
        where = f"{shown_line(one.variant)} on the host ({shown_line(one.runtime)})"
        yield f"{_drop_words(one.drop)} {where}{_bounds_words(one.drop)}"


def estimate_words(estimate: Estimate) -> str:
    """`0.845..0.875`, or `-` without an interval."""
    return ABSENT if estimate.low is None or estimate.high is None else f"{estimate.low:.3f}..{estimate.high:.3f}"


def _drop_words(drop: Estimate) -> str:
    if round(abs(drop.value), 4) == 0:
        return "the same mAP as"
    return f"mAP {abs(drop.value):.4f} {'below' if drop.value > 0 else 'above'}"


def _bounds_words(drop: Estimate) -> str:
    """Of the same number that is told: how far below, or how far above."""
    if drop.low is None or drop.high is None:
        return ": not told by so few pictures"
    if drop.value == 0 and drop.low == -drop.high:
        return f"; on other pictures up to {drop.high:.4f} either way" if drop.high else ""
    low, high = (drop.low, drop.high) if drop.value >= 0 else (-drop.high, -drop.low)
    words = f": {low:+.4f} to {high:+.4f}"
    return f"{words}, not told apart" if low <= 0 <= high else words


def _maps(measured: Sequence[tuple[Run, Accuracy]]) -> Table:
    table = plain_table("Accuracy")
    table.add_column("variant\nruntime, board", overflow="fold", min_width=10, max_width=24)
    for head in ("mAP", "interval", "mAP50", "mAP75", *AREAS[1:]):
        table.add_column(head, justify="right", no_wrap=True)
    for run, accuracy in measured:
        where = f"{shown_line(run.runtime.name)} {shown_line(run.runtime.version)}"
        who = "\n".join([shown_line(run.bundle.variant), where, shown_line(run.board.name)])
        figures = [
            f"{accuracy.map.value:.3f}",
            estimate_words(accuracy.map),
            f"{accuracy.map50.value:.3f}",
            f"{accuracy.map75.value:.3f}",
            *(f"{accuracy.areas[area]:.3f}" if area in accuracy.areas else ABSENT for area in AREAS[1:]),
        ]
        table.add_row(Text(who), *map(Text, figures))
    return table


def _errors(measured: Sequence[tuple[Run, Accuracy]]) -> Table:
    table = plain_table("Kinds of error")
    table.add_column("variant", overflow="fold", min_width=8)
    for words in ERROR_WORDS.values():
        table.add_column(words.replace(" ", "\n"), justify="right", no_wrap=True)
    for run, accuracy in measured:
        figures = [f"{getattr(accuracy.errors, name):.3f}" for name in ERROR_WORDS]
        table.add_row(Text(shown_line(run.bundle.variant)), *map(Text, figures))
    return table


def _classes(accuracy: Accuracy) -> Table:
    table = plain_table("Classes, the lowest first")
    table.add_column("class", overflow="fold", min_width=10)
    for head in ("objects", "mAP", "interval", "mAP50"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in sorted(accuracy.classes, key=lambda one: one.map.value)[:_MOST_CLASSES]:
        figures = [str(one.objects), f"{one.map.value:.3f}", estimate_words(one.map), f"{one.map50:.3f}"]
        table.add_row(Text(shown_line(one.label)), *map(Text, figures))
    return table
