"""Makes the weights of a TensorFlow 2 function constants of its graph, and puts nested functions in line."""

from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.readers.network_heads import SignatureNetwork
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet


def freeze(function: Any, output_names: list[str], file: str) -> SignatureNetwork:
    """Freezes a concrete function of one picture. `output_names` are in the order of its flat outputs.

    The converter leaves the variables of a Keras 3 model unbound, without an error; constants cannot be.
    Raises NotAnSsdError when TensorFlow cannot freeze it or it takes anything beside a picture.
    """
    tensorflow = import_tensorflow()
    # It has no public name; TensorFlow's own guide to freezing imports it so.
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    try:
        with quiet():
            frozen = convert_variables_to_constants_v2(function)
    except (ValueError, TypeError, KeyError, tensorflow.errors.OpError) as error:
        if _writes_variables(function):
            raise NotAnSsdError(
                f"{file}: it was saved in training mode: it changes its own weights when it runs. Save it for "
                "inference: call the model with training=False in the function that is saved, or use model.export()."
            ) from error
        reason = str(error).strip().splitlines()[0]
        raise NotAnSsdError(f"{file}: TensorFlow cannot freeze its weights: {reason}") from error
    inputs = [tensor for tensor in frozen.inputs if tensor.dtype != tensorflow.resource]
    if len(inputs) != 1 or inputs[0].dtype not in (tensorflow.float32, tensorflow.uint8):
        found = ", ".join(f"{tensor.name.split(':')[0]} ({tensor.dtype.name})" for tensor in inputs) or "nothing"
        raise NotAnSsdError(f"{file}: it takes {found}, expected one picture of float32 or uint8.")
    image = inputs[0]
    shape = tuple(image.shape.as_list()) if image.shape.rank is not None else ()
    return SignatureNetwork(
        graph=Graph(frozen.graph.as_graph_def()),
        image=image.name.split(":")[0],
        image_shape=shape,
        outputs={name: tensor.name for name, tensor in zip(output_names, frozen.outputs, strict=True)},
    )


def _writes_variables(function: Any) -> bool:
    """Whether it or a function that it calls assigns a variable, as batch normalisation does in training."""
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for called in graph.library.function for node in called.node_def)]
    return any(node.op.startswith("Assign") and node.op.endswith("VariableOp") for node in nodes)
