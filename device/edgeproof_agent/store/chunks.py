"""Finds in the board's bundles what a new one needs, so that it does not travel.

A host cuts every file of a bundle where its content says (content-defined chunking) and sends the list of the pieces'
lengths and digests along. The list is only a hint: bytes are used after they have been hashed.
"""

import hashlib
import io
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from edgeproof_agent.store.objects import Kind, Store, StoreError, replace_file
from edgeproof_agent.store.uploads import MAX_FILES, KnownRange, checked_name
from edgeproof_agent.wire.fields import FieldError, Fields
from edgeproof_agent.wire.frames import FrameError, encode_frame, read_frame

MAX_RANGES = 16_384
"""So many fit into the header of an answer."""
_CHUNK = struct.Struct(">I16s")
CHUNK_BYTES = _CHUNK.size

Chunks = Sequence[tuple[int, bytes]]
"""Length and first half of the sha-256 of each piece of a file, from its beginning to its end."""


class _Place(NamedTuple):
    path: Path
    offset: int


def pack_chunks(chunks: Mapping[str, Chunks]) -> tuple[list[dict[str, object]], bytes]:
    """The lists of some files as the field `chunks` of a message and its payload."""
    header = [{"name": name, "count": len(pieces)} for name, pieces in chunks.items()]
    return header, b"".join(_CHUNK.pack(*piece) for pieces in chunks.values() for piece in pieces)


def unpack_chunks(fields: Fields, payload: bytes) -> dict[str, Chunks]:
    """The reverse of `pack_chunks`; missing pieces are left out. Raises `FieldError`, `StoreError`."""
    chunks: dict[str, Chunks] = {}
    start = 0
    for item in fields.objects("chunks", MAX_FILES):
        end = start + CHUNK_BYTES * item.integer("count", high=len(payload) // CHUNK_BYTES)
        whole = payload[start : min(end, len(payload) // CHUNK_BYTES * CHUNK_BYTES)]
        chunks[checked_name(item.text("name"))] = list(_CHUNK.iter_unpack(whole))
        start = end
    return chunks


def save_chunks(store: Store, digest: str, chunks: Mapping[str, Chunks]) -> None:
    """Keeps a bundle's lists for the bundles that will come after it."""
    header, payload = pack_chunks(chunks)
    replace_file(_path(store, digest), encode_frame({"chunks": header}, payload))


def known_ranges(store: Store, chunks: Mapping[str, Chunks]) -> dict[str, list[KnownRange]]:
    """Which parts of the files the board's bundles have, in order, without gaps inside a part."""
    wanted = {piece for pieces in chunks.values() for piece in pieces}
    places: dict[tuple[int, bytes], _Place] = {}
    for digest in store.digests(Kind.BUNDLE):
        _find(store, digest, wanted, places)
    known = {name: _joined(pieces, places) for name, pieces in chunks.items()}
    spare = MAX_RANGES
    for name, ranges in known.items():
        known[name] = ranges[:spare]
        spare -= len(known[name])
    return known


def _find(store: Store, digest: str, wanted: set[tuple[int, bytes]], places: dict[tuple[int, bytes], _Place]) -> None:
    """Adds to `places` where this bundle has pieces that are wanted and have no place yet."""
    for name, pieces in _saved_chunks(store, digest).items():
        path = store.path(Kind.BUNDLE, digest) / name
        missing = wanted.intersection(pieces).difference(places)
        if not missing:
            continue
        try:
            with path.open("rb") as file:
                offset = 0
                for piece in pieces:
                    length, half_digest = piece
                    if piece in missing and piece not in places:
                        file.seek(offset)
                        if hashlib.sha256(file.read(length)).digest()[:16] == half_digest:
                            places[piece] = _Place(path, offset)
                    offset += length
        except OSError:
            continue


def _joined(pieces: Chunks, places: Mapping[tuple[int, bytes], _Place]) -> list[KnownRange]:
    ranges: list[KnownRange] = []
    start = 0
    for piece in pieces:
        end = start + piece[0]
        place = places.get(piece)
        if place is not None:
            last = ranges[-1] if ranges else None
            if (
                last is not None
                and last.end == start
                and last.source == place.path
                and last.source_offset + last.end - last.start == place.offset
            ):
                ranges[-1] = last._replace(end=end)
            else:
                ranges.append(KnownRange(start, end, place.path, place.offset))
        start = end
    return ranges


def _saved_chunks(store: Store, digest: str) -> dict[str, Chunks]:
    try:
        with io.FileIO(_path(store, digest)) as file:
            frame = read_frame(file.read)
        return {} if frame is None else unpack_chunks(Fields(frame.header), frame.payload)
    except (OSError, FrameError, FieldError, StoreError):
        return {}  # a hint that cannot be read is none


def _path(store: Store, digest: str) -> Path:
    return store.root / "chunks" / digest
