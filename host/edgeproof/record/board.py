"""What is kept of a board: what it is, its runtime, its state at one moment."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BoardState:
    """The board at one moment. What a board cannot tell is None, which is normal."""

    temperature_celsius: float | None = None
    clock_mhz: float | None = None
    """Of the first CPU."""
    governor: str | None = None
    throttled_bits: int | None = None
    """The bits of `vcgencmd get_throttled`: 0-3 now, 16-19 since boot."""
    load_1min: float | None = None
    memory_available_mib: float | None = None
    peak_rss_mib: float | None = None
    """Peak resident set size of the agent's process."""
    busy_cpu_seconds: float | None = None
    """What all processes together have worked since boot, on all CPUs."""
    own_cpu_seconds: float | None = None
    """What the agent's process has worked of that."""
    uptime_seconds: float | None = None
    """Since boot: the difference of two is the time that passed between them."""
    cpus_allowed: int | None = None
    """How many CPUs the agent's process may run on."""
    clocks_mhz: tuple[float, ...] = ()
    """Of each cluster of CPUs."""
    yardstick_ns: int | None = None
    """What a fixed piece of work took one thread; where it was asked for."""
    cooling_state: int | None = None
    """How far the kernel holds a CPU's clock down because of heat; 0 when it does not."""


def states_json(before: BoardState | None, after: BoardState | None) -> dict[str, Any]:
    """The JSON object of two states; one that is not known is absent."""
    states = {"before": before, "after": after}
    return {moment: asdict(state) for moment, state in states.items() if state is not None}


@dataclass(frozen=True)
class RuntimeInfo:
    name: str
    """The distribution: `tflite-runtime` or `ai-edge-litert`."""
    version: str


@dataclass(frozen=True)
class BoardInfo:
    """What a report says of a board."""

    name: str
    machine: str
    """The model as the board names itself, or its CPU."""
    os: str
    arch: str
    """Architecture of the userland, e.g. `aarch64`."""
    python: str
    memory_mib: float
    cpu_count: int
    emulated: bool = False
    """True when the CPU is emulated: its latency says nothing about a board."""
