"""Reads the weights of a TensorFlow.js model: shards joined group by group, dequantized where the manifest says so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.local_files.inner_names import is_inner_name

# https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts, `WeightsManifestEntry`
_DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint16": "<u2", "uint8": "u1", "bool": "?"}
_MAX_BYTES = 2 << 30


def shard_paths(manifest: Any, folder: Path, file: str) -> list[list[Path]]:
    """The shards of each group of `weightsManifest`. Raises NotAnSsdError when one is missing or lies elsewhere."""
    groups: list[list[Path]] = []
    if not isinstance(manifest, list) or not all(isinstance(group, dict) for group in manifest):
        raise NotAnSsdError(
            f"{file}: it has no weightsManifest. Give the model.json that tensorflowjs_converter wrote."
        )
    for group in manifest:
        names = group.get("paths", [])
        if not isinstance(names, list):
            raise NotAnSsdError(f"{file}: the paths of its weightsManifest are no list of names.")
        for name in names:
            if not is_inner_name(name) or "\\" in name or "//" in name:
                raise NotAnSsdError(f"{file}: its shard {name!r} does not lie beside it.")
            if not (folder / name).is_file():
                raise NotAnSsdError(f"{file}: its shard {name} is missing. Copy all shards beside it.")
        groups.append([folder / name for name in names])
    return groups


def read_weights(manifest: Sequence[Mapping[str, Any]], folder: Path, file: str) -> dict[str, npt.NDArray[Any]]:
    """Every weight by its name, in the type that the graph declares. Raises NotAnSsdError."""
    weights: dict[str, npt.NDArray[Any]] = {}
    for group, paths in zip(manifest, shard_paths(manifest, folder, file), strict=True):
        data = b""
        for path in paths:
            with readable(path, NotAnSsdError, "Copy or download it again."):
                data += read_bounded(path, _MAX_BYTES - len(data))
        position = 0
        entries = group.get("weights", [])
        if not isinstance(entries, list):
            raise NotAnSsdError(f"{file}: the weights of its weightsManifest are no list.")
        for entry in entries:
            try:
                name = str(entry["name"])
                weights[name], position = _weight(entry, data, position)
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
                raise NotAnSsdError(
                    f"{file}: the weight {entry.get('name', '?') if isinstance(entry, dict) else entry!r} cannot be "
                    f"read ({error}). Are all shards whole?"
                ) from error
        if position != len(data):
            raise NotAnSsdError(f"{file}: its shards hold {len(data)} bytes, the weights take {position}.")
    return weights


def _weight(entry: Mapping[str, Any], data: bytes, position: int) -> tuple[npt.NDArray[Any], int]:
    """A weight, and the position behind it."""
    quantization = entry.get("quantization")
    dtype = str(entry["dtype"])
    stored = np.dtype(_DTYPES[str(quantization["dtype"]) if quantization else dtype])
    shape = tuple(int(side) for side in entry["shape"])
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {list(shape)}")
    count = int(np.prod(shape, dtype=object))
    end = position + count * stored.itemsize
    if end > len(data):
        raise ValueError(f"{end - len(data)} bytes are missing")
    values = np.frombuffer(data, stored, count, position).reshape(shape)
    if quantization and "scale" in quantization:
        # tfjs-core/src/io/io_utils.ts, `decodeWeights`
        values = values.astype(np.float64) * float(quantization["scale"]) + float(quantization["min"])
        values = np.round(values) if dtype == "int32" else values
    return values.astype(np.dtype(_DTYPES[dtype])), end
