"""A .tflite as a converter leaves it: packed anew by the schema's own code, without the metadata that exports add."""

from typing import Any

import flatbuffers
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")


def without_metadata(data: bytes) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    model.metadata = [entry for entry in model.metadata or [] if entry.name != b"TFLITE_METADATA"]
    return packed(model)


def packed(model: Any) -> bytes:
    """A `schema.ModelT` as a file."""
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
