"""Reads a frozen graph that the TensorFlow 1 Object Detection API exported (`frozen_inference_graph.pb`)."""

import hashlib
from pathlib import Path

from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.graph.fused_operators import unfuse
from edgeproof.ssd.graph.graph import Graph, read_graph, read_graph_without_weights
from edgeproof.ssd.model import Source, SsdModel
from edgeproof.ssd.readers.graph_ssd import read_graph_ssd
from edgeproof.ssd.readers.weights_manifest import manifest_beside, weight_files, with_weights
from edgeproof.ssd.source_options import SourceOptions

KIND = "tf1-frozen-graph"


def digest_frozen_graph(path: Path) -> str:
    """SHA-256 of the file; over those of it, its manifest and its shards where the weights lie beside it."""
    manifest = manifest_beside(path)
    if not manifest.is_file():
        return sha256_of_file(path)
    digest = hashlib.sha256()
    for file in [path, manifest, *weight_files(manifest)]:
        digest.update(bytes.fromhex(sha256_of_file(file)))
    return digest.hexdigest()


def read_frozen_graph(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """Cuts the SSD out of a frozen graph: between the Preprocessor and the Postprocessor's non-maximum suppression.

    Raises NotAnSsdError when the file is no graph or lacks a part, and UsageError when the labels do not fit.
    """
    if manifest_beside(path).is_file():
        bare = read_graph_without_weights(path)
        graph = Graph(unfuse(with_weights(bare.graph_def, manifest_beside(path)), str(path)))
        graph.require_weights(path)
        description = f"TensorFlow.js graph model of before 2019, {len(graph)} nodes"
    else:
        graph = read_graph(path)
        description = f"frozen graph of the TensorFlow 1 Object Detection API, {len(graph)} nodes"
    source = Source(KIND, description, path.name, digest_frozen_graph(path))
    return read_graph_ssd(graph, path, source, labels, name, options or SourceOptions())
