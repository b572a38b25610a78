"""Takes apart the fused operators of TensorFlow.js graphs, which TFLite's converter does not know."""

from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.tensorflow_import import import_tensorflow

_PLAIN = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedMatMul": "MatMul",
}
_ACTIVATIONS = ("Relu", "Relu6", "Elu", "Sigmoid", "Tanh", "LeakyRelu")
_KEPT = ("T", "strides", "padding", "explicit_paddings", "data_format", "dilations", "transpose_a", "transpose_b")


def unfuse(graph_def: Any, file: str) -> Any:
    """A GraphDef with every fused operator as the ones it stands for; the last of them has its name.

    Raises NotAnSsdError naming a fusion that is not known.
    """
    plain = import_tensorflow().compat.v1.GraphDef()
    plain.versions.CopyFrom(graph_def.versions)
    plain.library.CopyFrom(graph_def.library)
    for node in graph_def.node:
        if node.op in _PLAIN:
            _append_parts(plain, node, file)
        else:
            plain.node.add().CopyFrom(node)
    return plain


def _append_parts(graph_def: Any, fused: Any, file: str) -> None:
    steps = [step.decode() for step in fused.attr["fused_ops"].list.s]
    arguments = [name for name in fused.input if not name.startswith("^")]
    unknown = [step for step in steps if step not in ("BiasAdd", *_ACTIVATIONS)]
    expected = 2 + steps.count("BiasAdd")
    if unknown or len(arguments) != expected:
        raise NotAnSsdError(
            f"{file}: '{fused.name}' is a {fused.op} of {', '.join(steps)}, which edgeproof cannot read."
        )
    extra = arguments[2:]
    current = ""
    for position, op in enumerate([_PLAIN[fused.op], *steps]):
        last = position == len(steps)
        part = graph_def.node.add()
        part.op = op
        part.name = fused.name if last else f"{fused.name}/unfused_{position}_{op}"
        part.input.extend(arguments[:2] if not position else [current, *([extra.pop(0)] if op == "BiasAdd" else [])])
        part.attr["T"].CopyFrom(fused.attr["T"])
        if not position:
            for key in _KEPT:
                if key in fused.attr:
                    part.attr[key].CopyFrom(fused.attr[key])
            part.input.extend(name for name in fused.input if name.startswith("^"))
        elif op == "LeakyRelu" and "leakyrelu_alpha" in fused.attr:
            part.attr["alpha"].CopyFrom(fused.attr["leakyrelu_alpha"])
        elif op == "BiasAdd" and "data_format" in fused.attr:
            part.attr["data_format"].CopyFrom(fused.attr["data_format"])
        current = part.name
