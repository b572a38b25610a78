"""SHA-256: what names and verifies everything that edgeproof stores or fetches."""

import hashlib
from pathlib import Path

from edgeproof.local_files.bounded_files import open_regular

_BLOCK_BYTES = 1 << 20


def sha256_of_bytes(data: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The same of a file of any length. Raises OSError, and `UnreadableError` when it is no regular file."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
            digest.update(block)
    return digest.hexdigest()
