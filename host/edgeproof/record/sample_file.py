"""Raw samples beside report.json: nanoseconds as little-endian 64-bit integers, one stage after the other."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded
from edgeproof.local_files.digests import sha256_of_bytes
from edgeproof.record.measured.latency import Samples

_SAMPLE_BYTES = 8


def write_samples(path: Path, samples_ns: Mapping[str, Samples]) -> str:
    """Writes the stages' samples, all of one length, in their order; returns the file's SHA-256."""
    data = np.stack(list(samples_ns.values())).astype("<i8").tobytes()
    write_atomically(path, data)
    return sha256_of_bytes(data)


def read_samples(path: Path, sha256: str, stages: list[str], runs: int) -> dict[str, Samples]:
    """The samples [runs] of each stage. Raises OSError, and `UnreadableError` when they are not those of the report."""
    size = _SAMPLE_BYTES * runs * len(stages)
    data = read_bounded(path, size)
    if len(data) != size or sha256_of_bytes(data) != sha256:
        raise UnreadableError("its samples are not those that the report names (SHA-256 differs)")
    rows = np.frombuffer(data, "<i8").reshape(len(stages), runs).astype(np.int64)
    return dict(zip(stages, rows, strict=True))
