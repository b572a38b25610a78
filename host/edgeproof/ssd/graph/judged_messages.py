"""The parts of TensorFlow's protobuf messages that decide whether a graph is harmless, read without TensorFlow.

A stranger's file is judged before TensorFlow is imported, which takes seconds and 600 MB. Field numbers are those of
graph.proto, node_def.proto, attr_value.proto, function.proto, op_def.proto, meta_graph.proto, saved_object_graph.proto
and saved_model.proto of TensorFlow 2.21; all but these fields are passed over. None
of them is part of a `oneof` here: where a file states several of one, all are judged, and TensorFlow takes the last.
"""

import functools
from typing import Any

from edgeproof.ssd.tensorflow_import import import_tensorflow

_PACKAGE = "edgeproof.judged"
_FIELDS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "NameAttrList": (("name", 1, "string"),),
    "ListValue": (("func", 9, "repeated NameAttrList"),),
    "AttrValue": (("list", 1, "ListValue"), ("func", 10, "NameAttrList")),
    "NodeDef": (
        ("name", 1, "string"),
        ("op", 2, "string"),
        ("input", 3, "repeated string"),
        ("attr", 5, "map AttrValue"),
    ),
    "OpDef": (("name", 1, "string"),),
    "FunctionDef": (("signature", 1, "OpDef"), ("node_def", 3, "repeated NodeDef")),
    "FunctionDefLibrary": (("function", 1, "repeated FunctionDef"),),
    "GraphDef": (("node", 1, "repeated NodeDef"), ("library", 2, "FunctionDefLibrary")),
    "TensorInfo": (("name", 1, "string"),),
    "SignatureDef": (("outputs", 2, "map TensorInfo"),),
    "NodeList": (("value", 1, "repeated string"),),
    "CollectionDef": (("node_list", 1, "NodeList"),),
    "SavedConcreteFunction": (),
    "SavedObjectGraph": (("concrete_functions", 2, "map SavedConcreteFunction"),),
    "MetaGraphDef": (
        ("graph_def", 2, "GraphDef"),
        ("collection_def", 4, "map CollectionDef"),
        ("signature_def", 5, "map SignatureDef"),
        ("object_graph_def", 7, "SavedObjectGraph"),
    ),
    "SavedModel": (("meta_graphs", 2, "repeated MetaGraphDef"),),
}
"""Message to its fields: name, number and type. The keys of all maps are strings."""


def judged_graph(data: bytes) -> Any:
    """A serialised `GraphDef`, as far as `safety.require_harmless` looks. Raises protobuf's DecodeError."""
    return _parsed("GraphDef", data)


def judged_saved_model(data: bytes) -> Any:
    """A serialised `SavedModel`, as far as `require_harmless_saved_model` looks. Raises protobuf's DecodeError."""
    return _parsed("SavedModel", data)


def _parsed(name: str, data: bytes) -> Any:
    message = _classes()[name]()
    message.ParseFromString(data)
    return message


@functools.cache
def _classes() -> dict[str, Any]:
    """Message classes in a pool of their own, so that TensorFlow's are not met."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ModuleNotFoundError:
        import_tensorflow()  # protobuf comes with it: says what to install
        raise
    file = descriptor_pb2.FileDescriptorProto(name="judged.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            _add_field(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _FIELDS}


def _add_field(message: Any, name: str, number: int, kind: str) -> None:
    label, _, of = kind.rpartition(" ")
    if label == "map":  # on the wire, and in a descriptor, a list of pairs
        entry = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        pair = message.nested_type.add(name=entry)
        pair.options.map_entry = True
        _add_field(pair, "key", 1, "string")
        _add_field(pair, "value", 2, of)
        of = f"{message.name}.{entry}"
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if label in ("repeated", "map") else field.LABEL_OPTIONAL
    if of == "string":
        field.type = field.TYPE_STRING
    else:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{of}"
