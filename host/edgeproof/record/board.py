"""What is kept of a board: what it is, its runtime, its state at one moment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BoardState:
    """The board at one moment. What a board cannot tell is None, which is normal."""

    temperature_celsius: float | None = None
    clock_mhz: float | None = None
    governor: str | None = None
    throttled_bits: int | None = None
    """The bits of `vcgencmd get_throttled`: 0-3 now, 16-19 since boot."""
    load_1min: float | None = None
    memory_available_mib: float | None = None
    peak_rss_mib: float | None = None
    """Peak resident set size of the agent's process."""


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
