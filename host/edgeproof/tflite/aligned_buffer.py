"""A buffer of a .tflite as the schema's objects are written: its values begin where the schema wants them to."""

from dataclasses import dataclass
from typing import Any

from edgeproof.tflite.flatbuffer_tables import add_aligned_bytes, add_table
from edgeproof.tflite.metadata_attachment import ALIGNMENT, BUFFER_DATA


@dataclass(frozen=True)
class AlignedBuffer:
    """Stands in for the schema's own `BufferT`, whose values begin anywhere."""

    data: bytes | None

    def Pack(self, builder: Any) -> int:  # noqa: N802
        fields = {} if self.data is None else {BUFFER_DATA: add_aligned_bytes(builder, self.data, ALIGNMENT)}
        return add_table(builder, fields).value
