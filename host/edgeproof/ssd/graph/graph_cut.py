"""Cuts a network out of a frozen graph: from the tensor that holds the prepared picture to the tensors asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.class_scores import ScoreTreatment
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

_GRADIENT = "_gradient_op_type"
# They hand the picture on as it is, or ask for its shape alone.
_PASSIVE = ("Identity", "Reshape", "ExpandDims", "Squeeze", "StridedSlice", "Transpose", "Shape")


def cut_network(graph: Graph, image: str, shape: tuple[int, ...], outputs: Sequence[str], file: str) -> Any:
    """A wrapped function of a float32 picture of `shape`, which takes the place of the node `image`.

    It gives the tensors `outputs`, in order. A graph that casts its picture of bytes to float gets a float one there.
    Raises NotAnSsdError when they read something beside the picture, or TensorFlow does not load the graph.
    """
    tensorflow = import_tensorflow()
    types = dict(_types_of_bytes(graph, image, file))
    cut = tensorflow.compat.v1.GraphDef()
    cut.versions.CopyFrom(graph.graph_def.versions)
    cut.library.CopyFrom(graph.graph_def.library)
    for node in graph.nodes():
        copy = cut.node.add()
        copy.CopyFrom(node)
        # It names a gradient of the model that was loaded (swish has one), which cannot be saved with the cut network.
        copy.attr.pop(_GRADIENT, None)
        if node.name == image:
            copy.Clear()
            copy.name, copy.op = node.name, "Placeholder"
            copy.attr["dtype"].type = tensorflow.float32.as_datatype_enum
            copy.attr["shape"].shape.CopyFrom(tensorflow.TensorShape(shape).as_proto())
        elif node.op == "AddN" and len(node.input) == 2:
            # The converter leaves an AddN in float, between two DEQUANTIZE, in a quantized model.
            copy.op = "AddV2"
            del copy.attr["N"]
        elif node.name in types:
            copy.attr[types[node.name]].type = tensorflow.float32.as_datatype_enum
    try:
        with quiet():
            needed = tensorflow.compat.v1.graph_util.extract_sub_graph(cut, [name.split(":")[0] for name in outputs])
            others = [node.name for node in needed.node if node.op == "Placeholder" and node.name != image]
            if others:
                raise NotAnSsdError(
                    f"{file}: the heads also read {', '.join(others)} beside the picture ('{image}'). "
                    "edgeproof cannot cut it."
                )

            def run(picture: Any) -> Any:
                return tensorflow.graph_util.import_graph_def(
                    needed,
                    input_map={f"{image}:0": picture},
                    return_elements=[name if ":" in name else f"{name}:0" for name in outputs],
                    name="",
                )

            signature = [tensorflow.TensorSpec(shape, tensorflow.float32, "image")]
            return tensorflow.compat.v1.wrap_function(run, signature)
    except (ValueError, TypeError, KeyError, AssertionError, tensorflow.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NotAnSsdError(f"{file}: TensorFlow cannot load the graph: {reason}") from error


def _types_of_bytes(graph: Graph, image: str, file: str) -> Iterator[tuple[str, str]]:
    """Nodes that take the picture as another type than float32, and the attribute that says so."""
    float32 = import_tensorflow().float32.as_datatype_enum
    waiting, seen = [image], set()
    while waiting:
        for node in graph.readers(waiting.pop()):
            attribute = "SrcT" if node.op == "Cast" else "T"
            if node.name in seen or attribute not in node.attr or node.attr[attribute].type == float32:
                continue
            seen.add(node.name)
            if node.op not in ("Cast", *_PASSIVE):
                raise NotAnSsdError(
                    f"{file}: its node '{node.name}' ({node.op}) computes with the picture before it is float. "
                    "Save the model with tf.cast(image, tf.float32) as its first step."
                )
            yield node.name, attribute
            if node.op not in ("Cast", "Shape"):
                waiting.append(node.name)


def heads_module(
    network: Any,
    boxes: int,
    scores: int,
    treatment: ScoreTreatment | None = None,
    treat_boxes: Callable[[Any], Any] | None = None,
) -> Any:
    """A `tf.Module` whose function `heads` gives two of the outputs of `cut_network`, treated by what is given.

    Its function `raw_heads` gives them untreated.
    """
    tensorflow = import_tensorflow()
    module = tensorflow.Module()
    heads = network.prune(network.inputs[0], (network.outputs[boxes], network.outputs[scores]))
    module.raw_heads = heads
    treatment = treatment or ScoreTreatment()
    if treatment.changes_nothing and treat_boxes is None:
        module.heads = heads
        return module

    def treated(image: Any) -> Any:
        box_encodings, predictions = module.raw_heads(image)
        if treat_boxes is not None:
            box_encodings = treat_boxes(box_encodings)
        return box_encodings, treatment.apply(predictions)

    spec = tensorflow.TensorSpec(network.inputs[0].shape, tensorflow.float32, "image")
    module.heads = tensorflow.function(treated, autograph=False).get_concrete_function(spec)
    return module


def evaluate(network: Any, position: int) -> npt.NDArray[Any]:
    """One of the outputs of `cut_network` for an empty picture."""
    tensorflow = import_tensorflow()
    with quiet():
        output = network.prune(network.inputs[0], network.outputs[position])
        return np.asarray(output(tensorflow.zeros(network.inputs[0].shape, tensorflow.float32)).numpy())
