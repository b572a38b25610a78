"""SHA-256 of files that seldom change, remembered by their sizes and times of change as `make` and git do."""

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.local_files.bounded_files import read_bounded
from edgeproof.local_files.digests import sha256_of_file

_MAX_BYTES = 4 << 20
_SETTLED_NS = 2_000_000_000
"""A file that was changed less than so long ago may change again within the same tick of its file system's clock."""


def remembered_digests(paths: Sequence[Path], memory: Path) -> list[str]:
    """The digest of each file; `memory` is a file of ours, whose loss or damage costs time alone. Raises OSError."""
    states = {str(path): path.stat() for path in paths}
    marks = {name: [state.st_size, state.st_mtime_ns, state.st_ino] for name, state in states.items()}
    known = _read(memory)
    digests = {
        name: _remembered(known.get(name), marks[name]) or sha256_of_file(path)
        for name, path in zip(marks, paths, strict=True)
    }
    now = time.time_ns()
    kept = {name: [*marks[name], digest] for name, digest in digests.items() if now - marks[name][1] > _SETTLED_NS}
    if kept != known:
        with contextlib.suppress(OSError):  # it is a matter of speed
            write_atomically(memory, json.dumps(kept).encode())
    return list(digests.values())


def _remembered(entry: object, marks: list[int]) -> str | None:
    if isinstance(entry, list) and entry[:-1] == marks and isinstance(entry[-1], str):
        return entry[-1]
    return None


def _read(memory: Path) -> dict[str, Any]:
    try:
        known = json.loads(read_bounded(memory, _MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
