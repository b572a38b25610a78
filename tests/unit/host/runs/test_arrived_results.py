"""Results that are kept as they arrive: read back as they were, whatever cut the last line short."""

from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import UsageError
from edgeproof.record.detections import Detections, PictureResult
from edgeproof.runs.arrived_results import ArrivedResults


def result(name: str, count: int = 2) -> PictureResult:
    random = np.random.default_rng(count)
    found = Detections(
        random.random((count, 4)).astype(np.float32),
        np.arange(count, dtype=np.int32),
        random.random(count).astype(np.float32),
    )
    return PictureResult(name, 320, 240, found)


RESULTS = (result("a.jpg"), result("b/c.jpg", 0), PictureResult("d.jpg", error="it is broken"), result("ü\n.jpg", 5))


def kept(folder: Path, settled: tuple[object, ...] = ("pi", "int8")) -> dict[str, PictureResult]:
    with ArrivedResults(folder, settled) as arrived:
        return dict(arrived.known)


def keep(folder: Path, *results: PictureResult) -> Path:
    with ArrivedResults(folder, ("pi", "int8")) as arrived:
        for one in results:
            arrived.add(one)
    (path,) = folder.iterdir()
    return path


def test_results_read_back_to_the_last_bit(tmp_path: Path) -> None:
    keep(tmp_path / "kept", *RESULTS)
    known = kept(tmp_path / "kept")
    assert list(known) == [one.name for one in RESULTS]
    for one in RESULTS:
        other = known[one.name]
        assert (other.width, other.height, other.error) == (one.width, one.height, one.error)
        assert (other.detections is None) == (one.detections is None)
        if one.detections is not None and other.detections is not None:
            for name in ("boxes", "classes", "scores"):
                ours, theirs = getattr(one.detections, name), getattr(other.detections, name)
                assert ours.dtype == theirs.dtype
                np.testing.assert_array_equal(ours, theirs)


def test_what_is_added_later_comes_behind(tmp_path: Path) -> None:
    keep(tmp_path, *RESULTS[:2])
    keep(tmp_path, *RESULTS[2:])
    assert list(kept(tmp_path)) == [one.name for one in RESULTS]


@pytest.mark.parametrize(
    "end",
    [
        b'{"name": "e.jp',
        b"\n",
        b"\x00\xff",
        b"[" * 100_000 + b"\n",
        b'{"name": "e.jpg", "width": 1, "height": 1, "boxes": [[1, 2, 3]], "classes": [1], "scores": [1]}\n',
        b'{"name": "e.jpg", "width": 1, "height": 1, "boxes": [null], "classes": [1], "scores": [1]}\n',
        b'{"name": "e.jpg", "width": 1, "height": 1, "boxes": [], "classes": [1], "scores": [1]}\n',
        b'{"name": 7}\n',
    ],
)
def test_a_line_that_was_cut_short_or_broken_is_dropped_and_written_over(tmp_path: Path, end: bytes) -> None:
    path = keep(tmp_path, *RESULTS[:2])
    whole = path.read_bytes()
    path.write_bytes(whole + end)
    assert list(kept(tmp_path)) == ["a.jpg", "b/c.jpg"]
    keep(tmp_path, RESULTS[2])
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes()[len(whole) :].count(b"\n") == 1, "nothing is left of it"
    assert path.read_bytes().endswith(b'"error": "it is broken"}\n')
    assert list(kept(tmp_path)) == ["a.jpg", "b/c.jpg", "d.jpg"]


def test_every_byte_at_which_it_may_be_cut_leaves_whole_results(tmp_path: Path) -> None:
    path = keep(tmp_path, *RESULTS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert len(kept(tmp_path)) == whole[:length].count(b"\n")


def test_results_of_something_else_are_not_taken(tmp_path: Path) -> None:
    keep(tmp_path, *RESULTS)
    assert kept(tmp_path, ("pi", "float32")) == {}


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match=r"a file is where a folder would have to be\. Choose another --out"):
        kept(tmp_path / "file" / "kept")
