"""Arrays of numbers as a frame's payload: their names, types and shapes in the header, then their bytes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof_agent.wire.fields import FieldError, Fields

DTYPES = ("float32", "float64", "int8", "uint8", "int16", "int32", "int64")
MAX_ARRAYS = 64
MAX_DIMENSIONS = 8


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[list[dict[str, Any]], bytes]:
    """The header's list of descriptions, and the payload in little-endian order."""
    descriptions = [
        {"name": name, "dtype": str(array.dtype), "shape": list(array.shape)} for name, array in arrays.items()
    ]
    return descriptions, b"".join(_little_endian(array).tobytes() for array in arrays.values())


def unpack_arrays(fields: Fields, payload: bytes) -> dict[str, np.ndarray]:
    """The arrays that `fields["arrays"]` describes. Raises `FieldError` unless they fill `payload` exactly."""
    arrays: dict[str, np.ndarray] = {}
    offset = 0
    for item in fields.objects("arrays", MAX_ARRAYS):
        dtype = np.dtype(item.choice("dtype", DTYPES)).newbyteorder("<")
        shape = [_dimension(size, item) for size in item.items("shape", MAX_DIMENSIONS)]
        size_bytes = dtype.itemsize
        for dimension in shape:
            size_bytes *= dimension
        if offset + size_bytes > len(payload):
            raise FieldError(f"{item.path('shape')} needs {size_bytes} bytes, the payload has fewer")
        name = item.text("name", max_length=64)
        if name in arrays:
            raise FieldError(f"{item.path('name')} {name!r} is there twice")
        flat = np.frombuffer(payload, dtype, count=size_bytes // dtype.itemsize, offset=offset)
        try:
            arrays[name] = flat.reshape(shape).astype(dtype.newbyteorder("="))
        except ValueError:  # numpy bounds the product of the sizes even where one of them is 0
            raise FieldError(f"{item.path('shape')} is too large") from None
        offset += size_bytes
    if offset != len(payload):
        raise FieldError(f"the payload has {len(payload) - offset} bytes that no array describes")
    return arrays


def _dimension(size: object, item: Fields) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= 2**31:
        raise FieldError(f"{item.path('shape')} must hold sizes from 0 to 2^31")
    return size


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
