"""One of those that are compared, as it is typed: BUNDLE or BUNDLE@RUNTIME."""

from dataclasses import dataclass
from pathlib import Path

from edgeproof.board.runtime.releases import RUNTIME_NAMES


@dataclass(frozen=True)
class Side:
    bundle: Path
    runtime: str | None = None


def parse_side(text: str, runtime: str | None = None) -> Side:
    """`runtime` is the one of a side that names none. A folder's own @ is no runtime's."""
    folder, at, name = text.rpartition("@")
    if at and name in RUNTIME_NAMES:
        return Side(Path(folder), name)
    return Side(Path(text), runtime)
