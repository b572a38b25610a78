"""A fixed piece of work, timed: where a board tells no clock, it shows whether the CPU has become slower."""

import time

_ROUNDS = 10
_STEPS = 20_000
"""Half a millisecond on a desktop, some five on a Raspberry Pi."""


def yardstick_ns() -> int:
    """The shortest of some times that one thread takes for it: what disturbs it only makes it longer."""
    best = 0
    for _ in range(_ROUNDS):
        start = time.monotonic_ns()
        _work()
        taken = time.monotonic_ns() - start
        best = min(best, taken) if best else taken
    return best


def _work() -> int:
    total = 0
    for step in range(_STEPS):
        total += step & 7
    return total
