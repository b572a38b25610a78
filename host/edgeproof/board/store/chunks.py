"""Cuts files where their content says, so that what two versions have in common is cut alike."""

import functools
import hashlib
import mmap
from collections.abc import Mapping
from pathlib import Path

from edgeproof_agent.store.chunks import Chunks

MAX_FILE_BYTES = 256 << 20
"""A longer file is not cut: its list would be megabytes of memory on a small board."""
_AVERAGE_BYTES = ((8 << 20, 2 << 10), (64 << 20, 8 << 10), (MAX_FILE_BYTES, 32 << 10))
"""(files up to, average length of a piece): small enough for the last layer of an int8 model, large enough that the
list is no more than 1 % of a file. A fine-tuned model is as long as the one before, so both are cut alike.

Every version of edgeproof has to cut alike, or what is on a board is found no more: change it only for a good reason.
"""


def cut_files(files: Mapping[str, Path]) -> dict[str, Chunks]:
    """The pieces of each file, by its name. A file that has not changed since is not cut again."""
    states = {name: (path, path.stat()) for name, path in files.items()}
    return {
        name: _cut(path, state.st_size, state.st_mtime_ns)
        for name, (path, state) in states.items()
        if 0 < state.st_size <= MAX_FILE_BYTES
    }


@functools.lru_cache(maxsize=16)
def _cut(path: Path, size_bytes: int, _modified_ns: int) -> Chunks:
    from pyfastcdc import FastCDC  # only who sends a bundle needs it

    cutter = FastCDC(next(average for limit, average in _AVERAGE_BYTES if size_bytes <= limit))
    with path.open("rb") as file:
        # Unmapped with the last reference: a profiler that looks at this frame may hold one, and closing would fail.
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    places = [(chunk.offset, chunk.length) for chunk in cutter.cut_buf(view)]
    return [(length, hashlib.sha256(view[at : at + length]).digest()[:16]) for at, length in places]
