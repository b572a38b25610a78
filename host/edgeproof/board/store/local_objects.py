"""Files on the host that make up an object of a board's store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeproof.local_files.digests import sha256_of_file
from edgeproof_agent.store.objects import Kind, StoredFile


@dataclass(frozen=True)
class LocalObject:
    kind: Kind
    digest: str
    files: Mapping[StoredFile, Path]

    @property
    def total_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True)
class SentObject:
    """The outcome of sending an object: how much had to travel."""

    digest: str
    payload_bytes: int
    """What travelled, compressed as it was, with the list of pieces; 0 when the board had the object already."""
    total_bytes: int


def describe_file(name: str, path: Path) -> StoredFile:
    return StoredFile(name, path.stat().st_size, sha256_of_file(path))
