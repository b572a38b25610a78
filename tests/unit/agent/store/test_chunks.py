"""What the board's bundles have in common with a new one is found there, and bytes are used only after being hashed."""

import hashlib
from pathlib import Path

import pytest

from edgeproof_agent.store.chunks import (
    CHUNK_BYTES,
    Chunks,
    known_ranges,
    pack_chunks,
    save_chunks,
    unpack_chunks,
)
from edgeproof_agent.store.objects import Store
from edgeproof_agent.store.uploads import KnownRange
from edgeproof_agent.wire.fields import FieldError, Fields
from tests.support.stores import DIGEST, OTHER, put_files, refused

OLD = b"aaaabbbbccccdddd"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.lock(0)
    return store


def cut(content: bytes, size: int = 4) -> Chunks:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return [(len(piece), hashlib.sha256(piece).digest()[:16]) for piece in pieces]


def put_with_chunks(store: Store, digest: str, contents: dict[str, bytes]) -> Path:
    path = put_files(store, digest, contents)
    save_chunks(store, digest, {name: cut(content) for name, content in contents.items()})
    return path


def test_pieces_that_lie_together_are_one_range(store: Store) -> None:
    old = put_with_chunks(store, OTHER, {"model.tflite": OLD}) / "model.tflite"
    new = {"model.tflite": cut(b"aaaabbbbXXXXddddcccc")}
    assert known_ranges(store, new) == {
        "model.tflite": [KnownRange(0, 8, old, 0), KnownRange(12, 16, old, 12), KnownRange(16, 20, old, 8)]
    }


def test_pieces_are_found_in_several_bundles_and_under_other_names(store: Store) -> None:
    one = put_with_chunks(store, DIGEST, {"model.tflite": b"aaaabbbb"}) / "model.tflite"
    two = put_with_chunks(store, OTHER, {"other.bin": b"ccccdddd"}) / "other.bin"
    found = known_ranges(store, {"model.tflite": cut(b"bbbbcccc"), "labels.txt": cut(b"new")})
    assert found == {"model.tflite": [KnownRange(0, 4, one, 4), KnownRange(4, 8, two, 0)], "labels.txt": []}


def test_a_list_that_does_not_fit_its_file_is_found_out(store: Store) -> None:
    put_files(store, OTHER, {"model.tflite": b"aaaaXXXXcccc"})
    save_chunks(store, OTHER, {"model.tflite": cut(OLD), "gone.bin": cut(b"eeee")})
    new = {"model.tflite": cut(b"aaaabbbbccccddddeeee")}
    assert [(item.start, item.end) for item in known_ranges(store, new)["model.tflite"]] == [(0, 4), (8, 12)]


@pytest.mark.parametrize("saved", [b"", b"junk", b"EPR1\0\0\0\2\0\0\0\0{}", b"EPR1\0\0\0\2\0\0\0\0[]"])
def test_a_list_that_cannot_be_read_is_no_hint(store: Store, saved: bytes) -> None:
    put_with_chunks(store, OTHER, {"model.tflite": OLD})
    (store.root / "chunks" / OTHER).write_bytes(saved)
    assert known_ranges(store, {"model.tflite": cut(OLD)}) == {"model.tflite": []}


def test_a_bundle_without_a_list_is_no_hint(store: Store) -> None:
    put_files(store, OTHER, {"model.tflite": OLD})
    assert known_ranges(store, {"model.tflite": cut(OLD)}) == {"model.tflite": []}


def test_lists_travel_as_they_are() -> None:
    chunks = {"model.tflite": cut(OLD), "empty": [], "labels.txt": cut(b"person\n")}
    header, payload = pack_chunks(chunks)
    assert len(payload) == CHUNK_BYTES * 6
    assert unpack_chunks(Fields({"chunks": header}), payload) == chunks


def test_a_list_cannot_claim_more_than_came() -> None:
    header, payload = pack_chunks({"model.tflite": cut(OLD)})
    with pytest.raises(FieldError):
        unpack_chunks(Fields({"chunks": [{"name": "model.tflite", "count": 5}]}), payload)
    short = unpack_chunks(Fields({"chunks": header + header}), payload)
    assert short == {"model.tflite": []}, "a second list has nothing left"
    with refused("request"):
        unpack_chunks(Fields({"chunks": [{"name": "../x", "count": 0}]}), payload)


def test_no_more_ranges_are_told_than_fit_an_answer_over_all_files(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof_agent.store.chunks.MAX_RANGES", 3)
    put_with_chunks(store, OTHER, {"model.tflite": OLD})
    apart = b"aaaaXXXXbbbbYYYYccccZZZZ"
    found = known_ranges(store, {"first": cut(apart[:16]), "second": cut(apart), "third": cut(apart)})
    assert {name: [(item.start, item.end) for item in ranges] for name, ranges in found.items()} == {
        "first": [(0, 4), (8, 12)],
        "second": [(0, 4)],
        "third": [],
    }
