"""Times alternatives side by side: one after the other in every round, so that a noisy machine is noisy for all."""

import statistics
import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.table import Table


def measure(
    title: str,
    alternatives: Mapping[str, Callable[[], object]],
    rounds: int,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Runs every alternative once to warm up, then `rounds` times in turn; prints medians and the ratio to the first.

    `before` runs ahead of each and is not timed.
    """
    samples: dict[str, list[float]] = {name: [] for name in alternatives}
    for function in alternatives.values():
        before()
        function()
    for _ in range(rounds):
        for name, function in alternatives.items():
            before()
            start = time.perf_counter()
            function()
            samples[name].append(time.perf_counter() - start)
    reference = next(iter(samples.values()))
    table = Table("", "median ms", "min ms", "ratio to the first", title=f"{title} ({rounds} rounds, interleaved)")
    for name, times in samples.items():
        ratio = statistics.median(one / other for one, other in zip(times, reference, strict=True))
        table.add_row(name, f"{statistics.median(times) * 1e3:.2f}", f"{min(times) * 1e3:.2f}", f"{ratio:.2f}")
    Console(width=110).print(table)
