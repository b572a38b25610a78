"""A profile on a terminal: what each operator took, what no delegate took, and variants side by side."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from edgeproof.record.measured.profile import OperatorTime, Profile
from edgeproof.record.run import Run
from edgeproof.report.formatting import ABSENT, ms, run_title
from edgeproof.report.text.table import plain_table
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import shown, shown_line

DEFAULT_TOP = 20
_TAILS = ("Relu", "Relu6", "BiasAdd", "BatchNorm", "FusedBatchNorm", "FusedBatchNormV3")


def print_profiles(runs: Sequence[Run], console: Console, top: int = DEFAULT_TOP) -> None:
    """Each run's profile, the `top` operators that took longest; two or more also layer by layer beside each other."""
    profiled = [run for run in runs if run.profile is not None]
    for run in profiled:
        _print_profile(run, console, top)
    comparable = [run for run in profiled if run.profile is not None and run.profile.operators]
    if len(comparable) > 1:
        _print_side_by_side(comparable, console, top)


def profile_lines(profile: Profile) -> list[str]:
    """What the table rests on, and what fell outside the delegate."""
    if profile.unavailable is not None:
        return [f"A profile is not available: {shown(profile.unavailable)}."]
    cost = profile.profiled_ms / profile.plain_ms - 1 if profile.plain_ms > 0 else 0.0
    return [
        f"{counted(profile.runs, 'inference')} with the profiler in turns with as many without, "
        f"{counted(profile.threads, 'thread')}: {ms(profile.plain_ms)} ms without it, {cost:+.1%} with it.",
        f"{counted(len(profile.operators), 'operator')} account for {profile.accounted:.1%} of an inference.",
        _outside_line(profile),
    ]


def layer_name(time: OperatorTime) -> str:
    """The first of the nodes that the layer was fused from, without what its activation and its norm are called."""
    name = "" if time.ran.layer is None else shown_line(time.ran.layer.split(";")[0])
    while "/" in name and name.rpartition("/")[2] in _TAILS:
        name = name.rpartition("/")[0]
    return name


def shortened(name: str, width: int) -> str:
    """The end of a long name: the beginning is what layers have in common."""
    return name if len(name) <= width else f"…{name[len(name) - width + 1 :]}"


def operator_name(time: OperatorTime) -> str:
    return shown_line(time.ran.operator or time.ran.kernel)


def _outside_line(profile: Profile) -> str:
    outside = profile.outside
    if not any(time.ran.delegated for time in profile.operators):
        return "No operator ran in a delegate."
    if not outside:
        return "All of them ran in the delegate."
    counts = Counter(operator_name(time) for time in outside)
    listed = ", ".join(f"{number} {name}" if number > 1 else name for name, number in counts.items())
    share = sum(time.share for time in outside)
    return f"Outside the delegate ran {len(outside)}, {share:.1%} of an inference: {listed}."


def _print_profile(run: Run, console: Console, top: int) -> None:
    profile = run.profile
    assert profile is not None
    title = run_title(run)
    if not profile.operators:
        console.print(Text(title, style="bold"))
    else:
        _print_operators(f"{title}, operator by operator", profile, console, top)
    for line in profile_lines(profile):
        console.print(Text(line, style="dim"))
    console.print()


def _print_operators(title: str, profile: Profile, console: Console, top: int) -> None:
    longest = sorted(profile.operators, key=lambda time: time.share, reverse=True)
    listed = longest[:top]
    kernels = [_kernel(time) for time in listed]
    width = max(console.width - 31 - max(len(kernel) for kernel in kernels), 16)
    table = plain_table(title)
    for head in ("share", "median us", "calls"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    table.add_column("layer", no_wrap=True)
    for time, kernel in zip(listed, kernels, strict=True):
        name = shortened(layer_name(time), width) or ABSENT
        cells = (f"{time.share:.1%}", f"{time.median_us:.0f}", str(time.calls), kernel, name)
        table.add_row(*map(Text, cells))
    console.print(table)
    left = longest[top:]
    if left:
        share = sum(time.share for time in left)
        console.print(Text(f"and {len(left)} more, {share:.1%} together", style="dim"))


def _kernel(time: OperatorTime) -> str:
    """XNNPACK's names tell the layout and the types, which the variant and the operator tell, too: `DWConv` stays."""
    if not time.ran.delegated:
        return f"{operator_name(time)} *"
    kind = time.ran.kernel.rpartition(")")[2].replace("DWConv", "").strip()
    name = time.ran.operator or time.ran.kernel.partition(" (")[0]
    return shown_line(f"{name} {kind}" if kind else name)


def _print_side_by_side(runs: Sequence[Run], console: Console, top: int) -> None:
    columns = [_by_layer(run.profile) for run in runs if run.profile is not None]
    most = {layer: max(column.get(layer, 0.0) for column in columns) for column in columns for layer in column}
    listed = sorted(most, key=lambda layer: most[layer], reverse=True)[:top]
    heads = [_short_title(run, runs) for run in runs]
    width = max(console.width - 2 - sum(max(len(head), 8) + 2 for head in heads), 20)
    table = plain_table("Layer by layer, median us" + (f", the {len(listed)} longest" if len(most) > top else ""))
    table.add_column("layer", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for layer in listed:
        values = [f"{column[layer]:.0f}" if layer in column else ABSENT for column in columns]
        table.add_row(Text(shortened(layer, width)), *map(Text, values))
    totals = [ms(run.profile.plain_ms * 1000) for run in runs if run.profile is not None]
    table.add_row(Text("an inference, whole", style="bold"), *map(Text, totals))
    console.print(table)


def _by_layer(profile: Profile) -> Mapping[str, float]:
    """Median microseconds by the layer's name, and by the operator's where there is no name; the same ones added."""
    found: dict[str, float] = {}
    for time in profile.operators:
        name = layer_name(time) or operator_name(time)
        found[name] = found.get(name, 0.0) + time.median_us
    return found


def _short_title(run: Run, runs: Sequence[Run]) -> str:
    parts = [run.bundle.variant]
    if len({one.bundle.name for one in runs}) > 1:
        parts.append(run.bundle.name)
    if len({one.runtime.name for one in runs}) > 1:
        parts.append(run.runtime.name)
    return "\n".join(map(shown_line, parts))
