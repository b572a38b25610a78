"""Makes glibc keep the memory of large blocks, so that decoding a picture does not pay for fresh pages each time."""

import ctypes
from typing import Any, Optional

from edgeproof_agent.machine.kernel_files import told

# Parameters of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

MMAP_THRESHOLD_BYTES = 32 << 20
"""The largest that glibc takes on 64 bits (half of HEAP_MAX_SIZE): blocks up to it come from the heap."""
MMAP_THRESHOLD_32_BIT_BYTES = 512 << 10
"""The same on 32 bits."""
MAX_KEPT_BYTES = 256 << 20
KEPT_SHARE = 0.125
"""What a process may hold on to, as a share of what it may take: a small board needs its memory for other things."""


def keep_large_blocks(may_take_bytes: Optional[int], libc: Any = None) -> bool:
    """Whether glibc does so from now on. False with another C library, whose allocator has no such settings.

    `may_take_bytes` is what this process may take in all, None where that is not known: then nothing is changed.
    """
    if may_take_bytes is None:
        return False
    libc = told(lambda: ctypes.CDLL(None), None) if libc is None else libc
    if not hasattr(libc, "gnu_get_libc_version") or not hasattr(libc, "mallopt"):
        return False
    threshold = MMAP_THRESHOLD_BYTES if ctypes.sizeof(ctypes.c_void_p) == 8 else MMAP_THRESHOLD_32_BIT_BYTES
    kept = min(MAX_KEPT_BYTES, int(may_take_bytes * KEPT_SHARE))
    # mallopt answers 1 when it has taken a value. Setting one ends glibc's own adjusting of both, so both are set.
    return bool(libc.mallopt(_M_MMAP_THRESHOLD, min(threshold, kept)) and libc.mallopt(_M_TRIM_THRESHOLD, kept))
