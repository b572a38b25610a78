"""What has to travel of an object, and the requests that carry it."""

import random
from pathlib import Path

import pytest

from edgeproof.board.store.chunks import cut_files
from edgeproof.board.store.local_objects import LocalObject
from edgeproof.board.store.upload import MissingPart, missing_parts
from edgeproof_agent.store.chunks import CHUNK_BYTES, MAX_RANGES
from edgeproof_agent.store.objects import Kind, StoredFile
from edgeproof_agent.wire.fields import FieldError, Fields

FILE = StoredFile("model.tflite", 100, "0" * 64)
OTHER = StoredFile("labels.txt", 10, "1" * 64)


def parts(offset: object, known: object, file: StoredFile = FILE) -> list[tuple[int, int]]:
    item = LocalObject(Kind.BUNDLE, "a" * 64, {file: Path("nowhere")})
    found = missing_parts(item, Fields({file.name: offset}), Fields({file.name: known}))
    return [(part.start, part.end) for part in found]


@pytest.mark.parametrize(
    ("offset", "known", "missing"),
    [
        (0, [], [(0, 100)]),
        (40, [], [(40, 100)]),
        (100, [], []),
        (0, [[0, 100]], []),
        (0, [[10, 20], [20, 30], [90, 100]], [(0, 10), (30, 90)]),
        (15, [[10, 20], [50, 60]], [(20, 50), (60, 100)]),
        (30, [[10, 20], [50, 60]], [(30, 50), (60, 100)]),
        (60, [[10, 20], [50, 60]], [(60, 100)]),
        (100, [[10, 20]], []),
    ],
)
def test_what_is_there_or_known_does_not_travel(
    offset: int, known: list[list[int]], missing: list[tuple[int, int]]
) -> None:
    assert parts(offset, known) == missing


@pytest.mark.parametrize(
    "known",
    [
        [[0, 101]],
        [[5, 5]],
        [[6, 5]],
        [[-1, 5]],
        [[10, 20], [15, 30]],
        [[10, 20], [5, 8]],
        [[0]],
        [[0, 1, 2]],
        [[0, 1.5]],
        [[False, True]],
        [None],
        "all",
        [[0, 10]] * 20_000,
    ],
)
def test_ranges_that_cannot_be_are_refused(known: object) -> None:
    with pytest.raises(FieldError):
        parts(0, known)


@pytest.mark.parametrize("offset", [-1, 101, 1.5, None, "all"])
def test_offsets_that_cannot_be_are_refused(offset: object) -> None:
    with pytest.raises(FieldError):
        parts(offset, [])


def test_files_are_sent_one_after_the_other() -> None:
    item = LocalObject(Kind.MEDIA, "a" * 64, {FILE: Path("a"), OTHER: Path("b")})
    found = missing_parts(item, Fields({FILE.name: 0, OTHER.name: 3}), Fields({}))
    assert found == [MissingPart(FILE, 0, 100), MissingPart(OTHER, 3, 10)]


def test_a_file_is_cut_where_its_content_says(tmp_path: Path) -> None:
    content = random.Random(7).randbytes(1_000_000)
    (tmp_path / "old").write_bytes(content)
    (tmp_path / "new").write_bytes(content[:300_000] + b"inserted" + content[300_000:])
    (tmp_path / "empty").write_bytes(b"")
    cut = cut_files({name: tmp_path / name for name in ("old", "new", "empty")})
    assert set(cut) == {"old", "new"}
    assert sum(length for length, _ in cut["old"]) == len(content)
    assert len(cut["old"]) * CHUNK_BYTES < 0.01 * len(content)
    assert max(length for length, _ in cut["old"]) < 0.01 * len(content)
    changed = set(cut["new"]) - set(cut["old"])
    assert len(changed) <= 3, "an insertion moves all that follows, and changes only the pieces around it"


def test_more_ranges_than_a_board_may_tell_are_refused() -> None:
    large = StoredFile("model.tflite", 10 * MAX_RANGES, "0" * 64)
    ranges = [[10 * index, 10 * index + 5] for index in range(MAX_RANGES)]
    assert len(parts(0, ranges, large)) == MAX_RANGES
    with pytest.raises(FieldError, match=f"0 to {MAX_RANGES} items"):
        parts(0, [*ranges, [10 * MAX_RANGES - 1, 10 * MAX_RANGES]], large)
