"""What kernel, drivers and the system's libraries tell. Whatever goes wrong, the answer is that nothing is told."""

import re
from pathlib import Path
from typing import Callable, Optional, TypeVar

VALUE_BYTES = 128
TEXT_BYTES = 16_384
"""Four such texts fit into a frame's header even where each byte has to be escaped."""
MAX_ENTRIES = 32

_Told = TypeVar("_Told")


def told(ask: Callable[[], _Told], otherwise: _Told) -> _Told:
    """What `ask` returns, or `otherwise` when it fails, however it does.

    Boards' drivers fail in ways that no documentation names: a Jetson's thermal zone answers EAGAIN, which Python makes
    a TypeError of; an entry goes while it is read; a C library knows a name and has no value.
    """
    try:
        return ask()
    except Exception:  # noqa: BLE001  # nobody knows what a driver can do
        return otherwise


def read_value(path: Path, limit: int = VALUE_BYTES) -> str:
    """At most `limit` bytes of a file as text, without blanks around it; empty when it is not told.

    A sleeping sensor or an offline CPU answers with an error; EAGAIN comes as None from a read without a buffer.
    """

    def read() -> str:
        with path.open("rb", buffering=0) as file:
            return (file.read(limit) or b"").decode("utf-8", errors="replace").strip()

    return told(read, "")


def entries(folder: Path, pattern: str, limit: int = MAX_ENTRIES) -> list[Path]:
    """At most `limit`, in the order of their numbers: video2 before video10."""
    found: list[Path] = told(lambda: list(folder.glob(pattern)), [])
    return sorted(found, key=lambda path: (len(path.name), path.name))[:limit]


def number(text: str) -> Optional[float]:
    """A decimal number and nothing else; None when it is none."""
    return float(text) if re.fullmatch(r"[-+]?[0-9]{1,20}(\.[0-9]{1,20})?", text) else None


def kib_line(text: str, name: str) -> Optional[int]:
    """The number of a line like `MemAvailable:   123 kB`."""
    match = re.search(rf"^{name}:\s*([0-9]{{1,20}})\b", text, re.MULTILINE)
    return None if match is None else int(match.group(1))
