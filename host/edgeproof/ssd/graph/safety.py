"""Judges a stranger's TensorFlow graph before TensorFlow sees it: whether running it could do anything but compute.

A graph is a program, and some operators read and write files, call Python or open connections. Only operators on a list
are allowed, in the graph itself and in every function of its library, used or not.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

from edgeproof.errors import NotAnSsdError

STATEFUL = {
    "Assert": "stops a run; TensorFlow writes its words to the log",
    "Assign": "sets a variable of the session",
    "AssignAdd": "sets a variable of the session",
    "AssignAddVariableOp": "sets a variable of the session",
    "AssignSub": "sets a variable of the session",
    "AssignSubVariableOp": "sets a variable of the session",
    "AssignVariableOp": "sets a variable of the session",
    "Case": "calls functions of the library, which are judged too",
    "CheckNumerics": "stops a run at NaN",
    "CheckNumericsV2": "stops a run at NaN",
    "DestroyResourceOp": "frees a variable",
    "DisableCopyOnRead": "marks a variable",
    "Empty": "allocates a tensor",
    "GuaranteeConst": "gives back what it gets",
    "HashTable": "a table in memory",
    "HashTableV2": "a table in memory",
    "If": "calls functions of the library, which are judged too",
    "InitializeTableV2": "fills a table in memory from tensors",
    "LookupTableExportV2": "reads a table in memory",
    "LookupTableFindV2": "reads a table in memory",
    "LookupTableImportV2": "fills a table in memory from tensors",
    "LookupTableSizeV2": "reads a table in memory",
    "Multinomial": "random numbers",
    "RandomShuffle": "random numbers",
    "RandomStandardNormal": "random numbers",
    "RandomUniform": "random numbers",
    "RandomUniformInt": "random numbers",
    "ReadVariableOp": "reads a variable",
    "ResourceGather": "reads a variable",
    "ResourceGatherNd": "reads a variable",
    "SampleDistortedBoundingBox": "random numbers",
    "SampleDistortedBoundingBoxV2": "random numbers",
    "Stack": "a stack in memory",
    "StackCloseV2": "a stack in memory",
    "StackPopV2": "a stack in memory",
    "StackPushV2": "a stack in memory",
    "StackV2": "a stack in memory",
    "StatefulPartitionedCall": "calls a function of the library, which is judged too",
    "TensorArrayCloseV3": "a list of tensors in memory",
    "TensorArrayConcatV3": "a list of tensors in memory",
    "TensorArrayGatherV3": "a list of tensors in memory",
    "TensorArrayReadV3": "a list of tensors in memory",
    "TensorArrayScatterV3": "a list of tensors in memory",
    "TensorArraySizeV3": "a list of tensors in memory",
    "TensorArraySplitV3": "a list of tensors in memory",
    "TensorArrayV3": "a list of tensors in memory",
    "TensorArrayWriteV3": "a list of tensors in memory",
    "TruncatedNormal": "random numbers",
    "VarHandleOp": "a variable",
    "VarIsInitializedOp": "asks for a variable",
    "Variable": "a variable",
    "VariableShape": "asks for a variable",
    "VariableV2": "a variable",
    "While": "calls functions of the library, which are judged too",
}
"""Operators with a state or an effect that are allowed, and what it is."""

FOREIGN = frozenset({"TFLite_Detection_PostProcess"})
"""Operators that are none of TensorFlow's: they stand for something, and nothing runs them there."""

_SAVERS = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})
"""Files of weights: allowed where nothing but the saver of a SavedModel leads to them."""
_SAVER_FUNCTION = re.compile(r"__inference__traced_(save|restore)_\d+")
_CONSEQUENCES = (
    (r"Py(Func|thon)", "run Python code"),
    (r"(Write|Save|Sharded|Print|Dump|Snapshot|Merge.*Checkpoint|Summary|Event)", "write files"),
    (r"(Read|File|Restore|Load|Immutable|Record|Proto|TextLine|Lmdb|Sql)", "read files"),
    (r"(Rpc|Remote|Send|Recv|Debug|Collective|Bigtable|Grpc|DataService|Distribut)", "open connections"),
    (r"(Xla|Tpu|TPU|TRT|Custom|Delegate)", "run code of its own"),
)


def require_harmless(graph_def: Any, file: str) -> None:
    """Raises NotAnSsdError when a `GraphDef` holds an operator that could do more than compute."""
    _require_all(_operators(graph_def), _functions(graph_def), file)


def require_harmless_saved_model(saved_model: Any, file: str) -> None:
    """The same for every graph of a `SavedModel`; its own saver may read and write weights, and nothing else may."""
    for meta_graph in saved_model.meta_graphs:
        graph_def = meta_graph.graph_def
        functions = _functions(graph_def)
        savers = _saver_functions(meta_graph, functions)
        saver_nodes = _saver_nodes(meta_graph)
        operators = (
            (name, op, place)
            for name, op, place in _operators(graph_def)
            if op not in _SAVERS or not (place in savers or (place == "" and name in saver_nodes))
        )
        _require_all(operators, functions, file)


def consequence(operator: str) -> str:
    """What a graph with this operator could do, as far as its name tells."""
    return next((words for pattern, words in _CONSEQUENCES if re.search(pattern, operator)), "do more than compute")


def allowed_operators() -> frozenset[str]:
    """Names of all operators that a graph may hold."""
    return _pure() | STATEFUL.keys() | FOREIGN


@functools.cache
def _pure() -> frozenset[str]:
    """Operators of TensorFlow 2.21 without a state that neither touch files nor run what is not in the graph."""
    text = resources.files("edgeproof.ssd.graph").joinpath("pure_operators.txt").read_text("ascii")
    return frozenset(text.split())


def _require_all(operators: Iterable[tuple[str, str, str]], functions: frozenset[str], file: str) -> None:
    allowed = allowed_operators() | functions
    for name, op, place in operators:
        if op not in allowed:
            where = f" of the function {place!r}" if place else ""
            raise NotAnSsdError(
                f"{file}: its node {name!r}{where} is the operator {op!r}, which could {consequence(op)}. edgeproof "
                "runs no model that can do that: take the operator out and export the model again."
            )


def _operators(graph_def: Any) -> Iterator[tuple[str, str, str]]:
    """Name and operator of every node, and the function that it is in; "" is the graph itself."""
    for node in graph_def.node:
        yield node.name, node.op, ""
    for function in graph_def.library.function:
        for node in function.node_def:
            yield node.name, node.op, function.signature.name


def _functions(graph_def: Any) -> frozenset[str]:
    """Functions of the library, which a node can call by their names. One that is called like an operator hides it."""
    names = frozenset(function.signature.name for function in graph_def.library.function)
    return names - allowed_operators()


def _saver_functions(meta_graph: Any, functions: frozenset[str]) -> frozenset[str]:
    """Those that save and restore, as Keras and TensorFlow name them, that neither the model nor a function calls."""
    called = set(meta_graph.object_graph_def.concrete_functions)
    for function in meta_graph.graph_def.library.function:
        for node in function.node_def:
            called |= _called_by(node)
    signatures = _leading_to_outputs(meta_graph)
    for node in meta_graph.graph_def.node:
        if node.name in signatures:
            called |= _called_by(node)
    return frozenset(name for name in functions if _SAVER_FUNCTION.fullmatch(name)) - called


def _called_by(node: Any) -> set[str]:
    values = node.attr.values()
    listed = {function.name for value in values for function in value.list.func}
    return {node.op, *(value.func.name for value in values if value.func.name), *listed}


def _saver_nodes(meta_graph: Any) -> frozenset[str]:
    """Nodes of the graph that no output and no initialiser of the model leads to."""
    return frozenset(node.name for node in meta_graph.graph_def.node) - _leading_to_outputs(meta_graph)


def _leading_to_outputs(meta_graph: Any) -> frozenset[str]:
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    signatures = meta_graph.signature_def.values()
    waiting = [tensor.name for signature in signatures for tensor in signature.outputs.values()]
    for name, collection in meta_graph.collection_def.items():
        if name in ("saved_model_main_op", "legacy_init_op", "table_initializer"):
            waiting += collection.node_list.value
    found: set[str] = set()
    while waiting:
        name = waiting.pop().removeprefix("^").split(":")[0]
        if name in nodes and name not in found:
            found.add(name)
            waiting += nodes[name].input
    return frozenset(found)
