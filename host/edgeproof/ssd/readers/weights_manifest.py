"""The weights of a TensorFlow.js model of before 2019: `tensorflowjs_model.pb` has none, and a manifest lies beside it.

Source: tensorflowjs 0.x, python/tensorflowjs/write_weights.py, which writes `weights_manifest.json` as a list of the
groups that are `weightsManifest` in today's model.json.
"""

import json
from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.ssd.readers.tfjs_weights import read_weights, shard_paths
from edgeproof.ssd.tensorflow_import import import_tensorflow

_MAX_BYTES = 64 << 20


def manifest_beside(model: Path) -> Path:
    return model.with_name("weights_manifest.json")


def weight_files(manifest: Path) -> list[Path]:
    """The shards. Raises NotAnSsdError when one is missing."""
    return [shard for group in shard_paths(_groups(manifest), manifest.parent, str(manifest)) for shard in group]


def with_weights(graph_def: Any, manifest: Path) -> Any:
    """The GraphDef with the manifest's values in its constants. Raises NotAnSsdError when the manifest is broken."""
    tensorflow = import_tensorflow()
    weights = read_weights(_groups(manifest), manifest.parent, str(manifest))
    for node in graph_def.node:
        values = weights.get(node.name) if node.op == "Const" else None
        if values is not None:
            declared = tensorflow.dtypes.as_dtype(node.attr["dtype"].type or values.dtype)
            node.attr["value"].tensor.CopyFrom(tensorflow.make_tensor_proto(values, declared, values.shape))
    return graph_def


def _groups(manifest: Path) -> Any:
    with readable(manifest, NotAnSsdError, "Copy or download it again."):
        data = read_bounded(manifest, _MAX_BYTES)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAnSsdError(f"{manifest}: it is no JSON ({error}). Copy or download it again.") from error
