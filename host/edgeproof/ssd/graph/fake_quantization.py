"""Takes out the fake quantization of a graph that was trained for int8: converters would write uint8 weights for it."""

from typing import Any

from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

_VARS = ("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")
_OPERATORS = (*_VARS, "FakeQuantWithMinMaxArgs")


def without_fake_quantization(graph_def: Any) -> tuple[Any, int]:
    """A GraphDef in which weights have the values that they were rounded to, and activations pass as they are.

    Also how many operators were taken out; 0 leaves the graph as it is.
    """
    fake = {node.name for node in graph_def.node if node.op in _OPERATORS}
    if not fake:
        return graph_def, 0
    tensorflow = import_tensorflow()
    constants = {node.name: node for node in graph_def.node if node.op == "Const"}
    plain = tensorflow.compat.v1.GraphDef()
    plain.versions.CopyFrom(graph_def.versions)
    plain.library.CopyFrom(graph_def.library)
    for node in graph_def.node:
        added = plain.node.add()
        sources = [constants.get(name.split(":")[0]) for name in node.input]
        if node.name not in fake:
            added.CopyFrom(node)
        elif node.op in _VARS and None not in sources:
            added.name, added.op = node.name, "Const"
            added.attr["dtype"].type = tensorflow.float32.as_datatype_enum
            added.attr["value"].tensor.CopyFrom(tensorflow.make_tensor_proto(_rounded(node, sources)))
        else:
            added.name, added.op = node.name, "Identity"
            added.input.append(node.input[0])
            added.attr["T"].type = tensorflow.float32.as_datatype_enum
    return plain, len(fake)


def _rounded(node: Any, sources: list[Any]) -> Any:
    tensorflow = import_tensorflow()
    round_to_steps = (
        tensorflow.quantization.fake_quant_with_min_max_vars_per_channel
        if node.op.endswith("PerChannel")
        else tensorflow.quantization.fake_quant_with_min_max_vars
    )
    values, low, high = (tensorflow.make_ndarray(source.attr["value"].tensor) for source in sources)
    bits = int(node.attr["num_bits"].i) or 8
    with quiet():
        return round_to_steps(values, low, high, bits, bool(node.attr["narrow_range"].b)).numpy()
