"""Small files of /proc and /sys. Whatever goes wrong, the answer is that nothing is told."""

import re
from pathlib import Path
from typing import Optional

VALUE_BYTES = 128
TEXT_BYTES = 16_384
"""Four such texts fit into a frame's header even where each byte has to be escaped."""
MAX_ENTRIES = 32


def read_value(path: Path, limit: int = VALUE_BYTES) -> str:
    """At most `limit` bytes of a file as text, without blanks around it; empty when it is not told.

    A sleeping sensor or an offline CPU answers with an error; EAGAIN comes as None from a read without a buffer.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return (file.read(limit) or b"").decode("utf-8", errors="replace").strip()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return ""


def entries(folder: Path, pattern: str, limit: int = MAX_ENTRIES) -> list[Path]:
    """At most `limit`, in the order of their numbers: video2 before video10."""
    try:
        found = list(folder.glob(pattern))
    except (OSError, ValueError):
        return []
    return sorted(found, key=lambda path: (len(path.name), path.name))[:limit]


def number(text: str) -> Optional[float]:
    """A decimal number and nothing else; None when it is none."""
    return float(text) if re.fullmatch(r"[-+]?[0-9]{1,20}(\.[0-9]{1,20})?", text) else None


def kib_line(text: str, name: str) -> Optional[int]:
    """The number of a line like `MemAvailable:   123 kB`."""
    match = re.search(rf"^{name}:\s*([0-9]{{1,20}})\b", text, re.MULTILINE)
    return None if match is None else int(match.group(1))
