"""Samples the board beside a measurement, in a thread that keeps what it costs below a share of one CPU."""

import contextlib
import resource
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from edgeproof_agent.machine.kernel_files import told

MAX_COST = 0.005
"""Of one CPU, what the samples may take: the pause after each is so much longer than it was."""
STATE_SECONDS = 1.0
POWER_SECONDS = 0.2
"""A sensor of a supply has a new value every 0.1 s or so."""
MAX_SAMPLES = 600
"""Of each kind: beyond, every second one is dropped and their distance doubled, so a run of hours stays bounded."""


@dataclass
class Series:
    """Samples of one kind and when they are due."""

    read: Callable[[], Any]
    """None is no sample."""
    period: float
    samples: list[tuple[float, Any]] = field(default_factory=list)
    """Seconds since the start, and what was read."""
    due: float = 0.0

    def add(self, at: float, value: Any) -> None:
        if value is not None:
            self.samples.append((at, value))
        if len(self.samples) >= MAX_SAMPLES:
            self.samples = self.samples[::2]
            self.period *= 2


@dataclass
class Sampling:
    """What was sampled until now."""

    state: Optional[Series]
    power: Optional[Series]
    cpu_seconds: float = 0.0
    """What it took, the processes that it has asked included."""
    seconds: float = 0.0
    """Between its start and its end."""

    def to_json(self) -> dict[str, Any]:
        return {
            "timeline": [{"at_seconds": round(at, 3), **state} for at, state in _samples(self.state)],
            "watts": [watts for _, watts in _samples(self.power)],
            "seconds": self.seconds,
            "cpu_share": self.cpu_seconds / self.seconds if self.seconds > 0 else 0.0,
        }


def _samples(series: Optional[Series]) -> list[tuple[float, Any]]:
    return [] if series is None else series.samples


@contextlib.contextmanager
def sampling(
    read_state: Optional[Callable[[], "dict[str, Any]"]], read_power: Optional[Callable[[], Optional[float]]] = None
) -> Iterator[Sampling]:
    """Samples while this context lasts: at once, then every second (and more often what is drawn), or as rarely as
    keeps the cost below `MAX_COST`. A reader that fails ends nothing but its own samples."""
    found = Sampling(
        None if read_state is None else Series(read_state, STATE_SECONDS),
        None if read_power is None else Series(read_power, POWER_SECONDS),
    )
    over = threading.Event()
    thread = threading.Thread(target=_sample, args=(found, over), name="sampler", daemon=True)
    started = time.monotonic()
    thread.start()
    try:
        yield found
    finally:
        found.seconds = time.monotonic() - started
        over.set()
        thread.join()


def _sample(found: Sampling, over: threading.Event) -> None:
    started = time.monotonic()
    series = [one for one in (found.state, found.power) if one is not None]
    while not over.is_set():
        for one in series:
            now = time.monotonic() - started
            if now >= one.due and not over.is_set():
                cost = _cpu_seconds()
                one.add(now, told(one.read, None))
                cost = _cpu_seconds() - cost
                found.cpu_seconds += cost
                # Each kind has its part of what all may take together.
                one.due = now + max(one.period, cost * len(series) / MAX_COST)
        over.wait(max(min(one.due for one in series) - (time.monotonic() - started), 0.0))


def _cpu_seconds() -> float:
    """Of this thread and of the processes that this one has waited for."""
    children = told(lambda: resource.getrusage(resource.RUSAGE_CHILDREN), None)
    return time.thread_time() + (0.0 if children is None else children.ru_utime + children.ru_stime)
