"""A TensorFlow GraphDef as something to ask questions of: nodes by name, constants, who reads what."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import MAX_MODEL_BYTES, read_bounded, readable
from edgeproof.ssd.graph.judged_messages import judged_graph
from edgeproof.ssd.graph.safety import require_harmless
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

_MAX_CANDIDATES = 12


class Graph:
    """Wraps a `GraphDef`. Names are node names; `name:1` means an output other than the first."""

    def __init__(self, graph_def: Any) -> None:
        self.graph_def = graph_def
        self._nodes = {node.name: node for node in graph_def.node}
        self._readers: dict[str, list[Any]] = defaultdict(list)
        for node in graph_def.node:
            for name in self.inputs(node):
                self._readers[name.split(":")[0]].append(node)

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def node(self, name: str) -> Any:
        """The node that makes the tensor `name`."""
        return self._nodes[name.split(":")[0]]

    def nodes(self, prefix: str = "", op: str | None = None) -> Iterator[Any]:
        for name, node in self._nodes.items():
            if name.startswith(prefix) and (op is None or node.op == op):
                yield node

    def readers(self, name: str) -> list[Any]:
        """The nodes that take an output of the node `name`."""
        return self._readers[name]

    def inputs(self, node: Any) -> list[str]:
        """Names of a node's inputs, without those that only order execution."""
        return [name for name in node.input if not name.startswith("^")]

    def constant(self, name: str) -> npt.NDArray[Any] | None:
        """The value of a Const, also behind Identity or Enter; None when it is computed."""
        node = self._nodes.get(name.split(":")[0])
        while node is not None and node.op in ("Identity", "Enter") and self.inputs(node):
            node = self._nodes.get(self.inputs(node)[0].split(":")[0])
        if node is None or node.op != "Const":
            return None
        return np.asarray(import_tensorflow().make_ndarray(node.attr["value"].tensor))

    def require_weights(self, path: Path) -> None:
        """Raises NotAnSsdError when every constant of the file is empty or zero."""
        values = [np.asarray(self.constant(node.name)) for node in self.nodes(op="Const")]
        weights = [value for value in values if value.dtype.kind == "f" and value.size > 1]
        if weights and not any(value.any() for value in weights):
            raise NotAnSsdError(
                f"{path}: it has no weights: its constants are all zero or empty. A TensorFlow.js model of before 2019 "
                "keeps them in weights_manifest.json and its shards: copy those beside it, into the same folder. "
                "Else give the frozen graph or SavedModel that it was made from."
            )

    def placeholder_shape(self, node: Any) -> tuple[int | None, ...]:
        """The sides that a Placeholder states, None for an open one; empty when it states no rank."""
        if node.attr["shape"].shape.unknown_rank:
            return ()
        return tuple(None if side.size < 0 else int(side.size) for side in node.attr["shape"].shape.dim)

    def head_candidates(self) -> list[str]:
        """Lines `name [shape]` of tensors that could be heads or anchors: float32, rank 2 or 3, last side over 1."""
        tensorflow = import_tensorflow()
        graph = tensorflow.Graph()
        try:
            with quiet(), graph.as_default():
                tensorflow.graph_util.import_graph_def(self.graph_def, name="")
        except (ValueError, TypeError, tensorflow.errors.OpError):
            return []
        lines = []
        for operation in graph.get_operations():
            if operation.type not in ("ConcatV2", "Squeeze", "Sigmoid", "Softmax", "Identity", "ExpandDims", "Reshape"):
                continue
            shape = operation.outputs[0].shape
            if operation.outputs[0].dtype != tensorflow.float32 or shape.rank not in (2, 3):
                continue
            last = shape.as_list()[-1]
            if last is not None and last > 1:
                lines.append(f"{operation.name} [{', '.join('?' if side is None else str(side) for side in shape)}]")
        return lines[-_MAX_CANDIDATES:]


def read_graph(path: Path) -> Graph:
    """Reads a binary GraphDef. Raises NotAnSsdError when the file is something else, or holds no weights."""
    graph = read_graph_without_weights(path)
    graph.require_weights(path)
    return graph


def read_graph_without_weights(path: Path) -> Graph:
    """Reads a binary GraphDef whose weights may lie elsewhere. Raises NotAnSsdError when the file is something else."""
    with readable(path, NotAnSsdError):
        data = read_bounded(path, MAX_MODEL_BYTES)
    if not data:
        raise NotAnSsdError(f"{path}: the file is empty. Copy or download it again.")
    try:
        judged = judged_graph(data)
    except Exception as error:  # protobuf's DecodeError moved between its releases
        raise NotAnSsdError(
            f"{path}: it is not a TensorFlow graph ({str(error) or type(error).__name__}), or it is cut short. "
            "Give a frozen graph (frozen_inference_graph.pb), and copy it again if it was downloaded."
        ) from error
    if not any(node.op for node in judged.node):
        raise NotAnSsdError(f"{path}: it is not a TensorFlow graph: no operation was found in it.")
    require_harmless(judged, str(path))
    del judged
    graph_def = import_tensorflow().compat.v1.GraphDef()
    with readable(path, NotAnSsdError, "Copy or download it again."):
        graph_def.ParseFromString(data)
    return Graph(graph_def)
