"""What is judged before TensorFlow is there is what TensorFlow reads: its own messages are the witness."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.ssd.graph import judged_messages
from edgeproof.ssd.graph.judged_messages import judged_graph, judged_saved_model

pytestmark = pytest.mark.tensorflow

_REFUSED = """
import sys
from pathlib import Path
from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.readers.saved_model import freeze_saved_model
from edgeproof.ssd.graph.graph import read_graph
try:
    {call}(Path(sys.argv[1]))
except NotAnSsdError as error:
    assert "WriteFile" in str(error), error
    print("refused", "tensorflow" in sys.modules)
"""


def _names() -> list[str]:
    return list(judged_messages._FIELDS)


@pytest.mark.parametrize("name", _names())
def test_every_field_is_tensorflows(name: str) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    pool = saved_model_pb2.DESCRIPTOR.pool
    nested = {"ListValue": "AttrValue.ListValue", "NodeList": "CollectionDef.NodeList"}.get(name, name)
    theirs = pool.FindMessageTypeByName(f"tensorflow.{nested}")
    ours = judged_messages._classes()[name].DESCRIPTOR
    for field in ours.fields:
        other = theirs.fields_by_number[field.number]
        assert (field.name, field.type, field.is_repeated) == (other.name, other.type, other.is_repeated)
        if field.message_type is not None:
            assert field.message_type.GetOptions().map_entry == other.message_type.GetOptions().map_entry
            if not field.message_type.GetOptions().map_entry:
                assert field.message_type.name == other.message_type.name


def test_a_graph_with_everything_in_it_is_read_alike() -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    whole = saved_model_pb2.SavedModel()
    meta = whole.meta_graphs.add()
    meta.graph_def.node.add(name="x", op="Const", input=["^a"]).attr["value"].tensor.tensor_content = b"12345"
    meta.graph_def.node[0].attr["f"].func.name = "inner"
    meta.graph_def.node[0].attr["many"].list.func.add(name="other")
    function = meta.graph_def.library.function.add()
    function.signature.name = "inner"
    function.node_def.add(name="y", op="WriteFile")
    meta.collection_def["legacy_init_op"].node_list.value.append("x")
    meta.signature_def["serving_default"].outputs["scores"].name = "x:0"
    meta.object_graph_def.concrete_functions["inner"].SetInParent()
    (read,) = judged_saved_model(whole.SerializeToString()).meta_graphs
    assert [(node.name, node.op, list(node.input)) for node in read.graph_def.node] == [("x", "Const", ["^a"])]
    assert read.graph_def.node[0].attr["f"].func.name == "inner"
    assert [item.name for item in read.graph_def.node[0].attr["many"].list.func] == ["other"]
    assert read.graph_def.library.function[0].node_def[0].op == "WriteFile"
    assert read.graph_def.library.function[0].signature.name == "inner"
    assert list(read.collection_def["legacy_init_op"].node_list.value) == ["x"]
    assert read.signature_def["serving_default"].outputs["scores"].name == "x:0"
    assert list(read.object_graph_def.concrete_functions) == ["inner"]


@pytest.mark.parametrize("call", ["read_graph", "freeze_saved_model"])
def test_what_is_refused_is_refused_without_tensorflow(tmp_path: Path, call: str) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel()
    graph = message.meta_graphs.add().graph_def
    graph.node.add(name="evil", op="WriteFile")
    path = tmp_path / "saved_model.pb"
    path.write_bytes((graph if call == "read_graph" else message).SerializeToString())
    given = path if call == "read_graph" else tmp_path
    command = [sys.executable, "-c", _REFUSED.format(call=call), str(given)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "refused False\n"


def test_text_that_is_no_text_is_an_error_for_both() -> None:
    from google.protobuf.message import DecodeError

    with pytest.raises(DecodeError):
        judged_graph(b"\x0a\x04\x0a\x02\xff\xff")
