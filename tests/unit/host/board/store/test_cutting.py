"""Files are cut whatever else in this process looks at what cuts them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from edgeproof.board.store.chunks import _cut, cut_files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(np.random.default_rng(1).bytes(300_000))
    return path


def test_the_pieces_are_the_file(file: Path) -> None:
    data, at = file.read_bytes(), 0
    (pieces,) = cut_files({"model": file}).values()
    assert len(pieces) > 20
    for length, digest in pieces:
        assert digest == hashlib.sha256(data[at : at + length]).digest()[:16]
        at += length
    assert at == len(data)


def test_a_profiler_that_keeps_what_it_saw_does_no_harm(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask's samples the frames of all threads, and holds their variables for a moment."""
    expected = cut_files({"model": file})
    kept: list[object] = []
    real = hashlib.sha256

    def keeping(data: memoryview) -> object:
        kept.append(data)
        return real(data)

    monkeypatch.setattr("edgeproof.board.store.chunks.hashlib.sha256", keeping)
    _cut.cache_clear()
    assert cut_files({"model": file}) == expected
    assert kept
