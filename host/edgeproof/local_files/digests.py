"""SHA-256: what names and verifies everything that edgeproof stores or fetches."""

import hashlib

from edgeproof_agent.store.objects import file_sha256 as sha256_of_file

__all__ = ["sha256_of_bytes", "sha256_of_file"]


def sha256_of_bytes(data: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
