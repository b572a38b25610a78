"""Files that two runtimes have in common lie on the disk once: NumPy and OpenCV are the most of each."""

import contextlib
import filecmp
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, Optional

_LEAST_BYTES = 4096
_LINKED = ".edgeproof-linked"


def share_files(folder: Path, others: Sequence[Path], go_on: Callable[[], bool]) -> int:
    """Makes a hard link of each file that one of the `others` has by the same name and with the same bytes.

    Nothing of a runtime is ever written to: Python's own compiled files are replaced as a whole. `go_on` is asked ahead
    of each file. Returns the bytes that were saved; a file system without hard links keeps its copies.
    """
    saved_bytes = 0
    for path in folder.rglob("*"):
        if not go_on():
            break
        with contextlib.suppress(OSError):
            status = path.lstat()
            if path.is_symlink() or not path.is_file() or status.st_size < _LEAST_BYTES or status.st_nlink > 1:
                continue
            twin = _twin(path, status.st_size, [other / path.relative_to(folder) for other in others])
            if twin is not None:
                _replace(path, twin)
                saved_bytes += status.st_blocks * 512
    return saved_bytes


def _twin(path: Path, size: int, candidates: Sequence[Path]) -> Optional[Path]:
    for candidate in candidates:
        with contextlib.suppress(OSError):
            if (
                not candidate.is_symlink()
                and candidate.is_file()
                and candidate.stat().st_size == size
                and candidate.stat().st_dev == path.stat().st_dev
                and candidate.stat().st_mode == path.stat().st_mode
                and filecmp.cmp(path, candidate, shallow=False)
            ):
                return candidate
    return None


def _replace(path: Path, twin: Path) -> None:
    """Raises `OSError` where the file system has no hard links, or too many of this file."""
    linked = path.with_name(f"{path.name}{_LINKED}")
    os.link(twin, linked)
    os.replace(linked, path)
