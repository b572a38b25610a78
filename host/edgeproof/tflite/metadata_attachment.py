"""Attaches a metadata record and files to a .tflite, without moving a weight in it."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import flatbuffers
import tflite

from edgeproof.tflite.flatbuffer_tables import (
    Field,
    Int,
    Offset,
    UInt,
    add_aligned_bytes,
    add_offsets,
    add_table,
    add_text,
)
from edgeproof.tflite.metadata_schema import METADATA_NAME

# `force_align` of a buffer's data, the strictest alignment in tensorflow/lite/schema/schema.fbs.
ALIGNMENT = 16
MODEL_IDENTIFIER = b"TFL3"
# Positions of the fields of the schema's tables Model, Metadata and Buffer.
_VERSION, _BUFFERS, _METADATA = 0, 4, 6
_COPIED = (1, 2, 3, 5, 7)  # operator_codes, subgraphs, description, metadata_buffer, signature_defs
_ENTRY_NAME, _ENTRY_BUFFER = 0, 1
BUFFER_DATA = 0


def attach_metadata(model: bytes, record: bytes, files: Mapping[str, bytes]) -> bytes:
    """The model with `record` as its standard metadata, and `files` packed behind it as an uncompressed ZIP.

    Offsets in a flatbuffer point forward. So a new root is put in front of the file, which points to all that the old
    one did: what is in the file keeps its order and alignment, and its old root, some hundred bytes, is unused.
    """
    old = tflite.Model.GetRootAs(model, 0)
    builder = flatbuffers.Builder(len(model) + len(record) + (1 << 16))
    # The vector's first four bytes are its length.
    begin = add_aligned_bytes(builder, model, ALIGNMENT).value - 4

    def kept(table: Any) -> Offset:
        return Offset(begin - table._tab.Pos)

    buffer = add_table(builder, {BUFFER_DATA: add_aligned_bytes(builder, record, ALIGNMENT)})
    buffers = [*(kept(old.Buffers(index)) for index in range(old.BuffersLength())), buffer]
    entries = [old.Metadata(index) for index in range(old.MetadataLength())]
    name = add_text(builder, METADATA_NAME)
    entry = add_table(builder, {_ENTRY_NAME: name, _ENTRY_BUFFER: UInt(len(buffers) - 1)})
    metadata = [*(kept(other) for other in entries if other.Name() != METADATA_NAME), entry]
    fields: dict[int, Field] = {
        _VERSION: Int(old.Version()),
        _BUFFERS: add_offsets(builder, buffers),
        _METADATA: add_offsets(builder, metadata),
    }
    for position in _COPIED:
        offset = old._tab.Offset(4 + 2 * position)
        if offset:
            fields[position] = Offset(begin - old._tab.Indirect(old._tab.Pos + offset))
    builder.Finish(add_table(builder, fields).value, MODEL_IDENTIFIER)
    return _packed(bytes(builder.Output()), files)


def _packed(model: bytes, files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    stream.write(model)
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            # A ZipInfo has a fixed date: the same files give the same bytes.
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()
