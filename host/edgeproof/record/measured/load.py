"""How long a board took to load a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CpuUse:
    """Which of a board's CPUs the model may use."""

    total: int
    """That are online."""
    allowed: int
    """That the agent may run on (affinity)."""
    usable: int
    """That can be busy at once with it: after `cores`, and what the quota leaves."""
    quota: float | None = None
    """CPUs' worth of time that control groups leave the agent; None without a limit."""
    big: int = 0
    """Of the allowed ones those of the strongest kind; 0 where all are alike or nothing is told."""
    cores: str = "all"
    """`all`, or `big` where it was kept to those."""


@dataclass(frozen=True)
class LoadResult:
    """What loading a bundle cost on the board."""

    load_ns: int
    """Reading the file, building the interpreter and allocating its tensors."""
    first_invoke_ns: int | None
    """The first inference after loading; None when the bundle was loaded without a health check."""
    threads: int
    threads_reason: str | None = None
    """Why these are fewer threads than were asked for."""
    cpus: CpuUse | None = None
    """None in a report from before there was one."""
    delegate: str | None = None
    """The library of an external delegate."""
