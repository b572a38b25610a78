"""Reads a frozen graph that the TensorFlow 1 Object Detection API exported (`frozen_inference_graph.pb`)."""

from pathlib import Path

from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.graph.graph import read_graph
from edgeproof.ssd.model import Source, SsdModel
from edgeproof.ssd.readers.graph_ssd import read_graph_ssd
from edgeproof.ssd.source_options import SourceOptions

KIND = "tf1-frozen-graph"


def read_frozen_graph(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """Cuts the SSD out of a frozen graph: between the Preprocessor and the Postprocessor's non-maximum suppression.

    Raises NotAnSsdError when the file is no graph or lacks a part, and UsageError when the labels do not fit.
    """
    graph = read_graph(path)
    description = f"frozen graph of the TensorFlow 1 Object Detection API, {len(graph)} nodes"
    source = Source(KIND, description, path.name, sha256_of_file(path))
    return read_graph_ssd(graph, path, source, labels, name, options or SourceOptions())
