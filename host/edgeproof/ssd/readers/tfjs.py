"""Reads a TensorFlow.js graph model (`model.json` and its shards) into a GraphDef, without `tensorflowjs`."""

import base64
import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.graph.fused_operators import unfuse
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.safety import require_harmless
from edgeproof.ssd.model import Source, SsdModel
from edgeproof.ssd.readers.graph_ssd import read_graph_ssd
from edgeproof.ssd.readers.tfjs_weights import read_weights, shard_paths
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow

KIND = "tfjs-graph-model"
MODEL_FILE = "model.json"
_MAX_BYTES = 256 << 20


def read_tfjs_model(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """`path` is model.json or the folder that holds it. Raises NotAnSsdError or UsageError."""
    model = _model_file(path)
    graph = Graph(unfuse(read_graph_def(model), str(model)))
    source = Source(KIND, f"TensorFlow.js graph model, {len(graph)} nodes", model.name, digest_tfjs_model(path))
    return read_graph_ssd(graph, model, source, labels, name, options or SourceOptions())


def digest_tfjs_model(path: Path) -> str:
    """SHA-256 over those of model.json and its shards, in the manifest's order: the same wherever they lie."""
    model = _model_file(path)
    groups = shard_paths(_read_json(model).get("weightsManifest"), model.parent, str(model))
    digest = hashlib.sha256()
    for file in [model, *(shard for group in groups for shard in group)]:
        digest.update(bytes.fromhex(sha256_of_file(file)))
    return digest.hexdigest()


def read_graph_def(model: Path) -> Any:
    """The GraphDef with its weights as constants. Raises NotAnSsdError when it is a layers model, or broken."""
    tensorflow = import_tensorflow()
    described = _read_json(model)
    topology = described.get("modelTopology")
    if not isinstance(topology, dict) or not isinstance(topology.get("node"), list):
        raise NotAnSsdError(
            f"{model}: it is a TensorFlow.js layers model, or none. edgeproof reads graph models: convert the original "
            "with tensorflowjs_converter --output_format tfjs_graph_model, or give the Keras model itself."
        )
    weights = read_weights(described.get("weightsManifest", []), model.parent, str(model))
    json_format = importlib.import_module("google.protobuf.json_format")
    graph_def = tensorflow.compat.v1.GraphDef()
    for node in topology["node"]:
        added = graph_def.node.add()
        name = node.get("name") if isinstance(node, dict) else None
        try:
            values = weights.get(str(name)) if node["op"] == "Const" else None
            # A constant's own tensor is empty: its numbers are in the shards.
            kept = {key: value for key, value in node.get("attr", {}).items() if values is None or key != "value"}
            json_format.ParseDict({**node, "attr": _as_protobuf(kept)}, added, ignore_unknown_fields=True)
        except (json_format.ParseError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise NotAnSsdError(f"{model}: its node {name!r} cannot be read ({error}).") from error
        if values is not None:
            declared = tensorflow.dtypes.as_dtype(added.attr["dtype"].type or values.dtype)
            tensor = tensorflow.make_tensor_proto(np.asarray(values), declared, values.shape)
            added.attr["value"].tensor.CopyFrom(tensor)
            added.attr["dtype"].type = declared.as_datatype_enum
    library = topology.get("library")
    if isinstance(library, dict) and library.get("function"):
        with readable(model, NotAnSsdError, "Copy or download it again."):
            json_format.ParseDict(_as_protobuf(library), graph_def.library, ignore_unknown_fields=True)
    # Of the time when such graphs were frozen; TensorFlow refuses a graph without any.
    graph_def.versions.producer = 27
    require_harmless(graph_def, str(model))
    return graph_def


def _as_protobuf(value: Any) -> Any:
    """protobuf's JSON wants bytes as base64; older converters wrote lists of numbers."""
    if isinstance(value, dict):
        return {key: _entry(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_protobuf(item) for item in value]
    return value


def _entry(key: str, value: Any) -> Any:
    if key == "list" and isinstance(value, dict) and isinstance(value.get("s"), list):
        return {**_as_protobuf({**value, "s": None}), "s": [_bytes(item) for item in value["s"]]}
    return _bytes(value) if key == "s" else _as_protobuf(value)


def _bytes(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return base64.b64encode(bytes(value)).decode()
    return _as_protobuf(value)


def _model_file(path: Path) -> Path:
    return path / MODEL_FILE if path.is_dir() else path


def _read_json(model: Path) -> dict[str, Any]:
    with readable(model, NotAnSsdError, "Copy or download it again."):
        described = json.loads(read_bounded(model, _MAX_BYTES))
    if not isinstance(described, dict):
        raise NotAnSsdError(f"{model}: it is not a TensorFlow.js model.")
    return described
