"""How long a board took to load a model."""

from dataclasses import dataclass


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
