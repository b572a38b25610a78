"""A stranger's graph does nothing but compute: what else it could do is refused before TensorFlow sees it."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgeproof
from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import read_graph
from edgeproof.ssd.graph.safety import FOREIGN, STATEFUL, allowed_operators, require_harmless
from edgeproof.ssd.readers.saved_model import freeze_saved_model
from edgeproof.ssd.readers.tfjs import read_graph_def

HOSTILE = [
    "WriteFile",
    "ReadFile",
    "MatchingFiles",
    "PyFunc",
    "PyFuncStateless",
    "EagerPyFunc",
    "PrintV2",
    "ImmutableConst",
    "DebugIdentityV2",
    "DebugIdentity",
    "TFRecordReaderV2",
    "TFRecordDataset",
    "TextLineDataset",
    "GeneratorDataset",
    "IteratorV2",
    "RemoteCall",
    "SaveV2",
    "RestoreV2",
    "Save",
    "SaveSlices",
    "InitializeTableFromTextFileV2",
    "DecodeProtoV2",
    "XlaCustomCallV2",
    "TPUPartitionedCall",
    "LMDBReader",
    "WriteSummary",
    "CreateSummaryFileWriter",
    "DumpTensor",
    "_Send",
    "CollectiveReduceV2",
    "SnapshotDatasetV2",
    "LoadDataset",
    "NoSuchOperator",
]

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def graph_with(op: str, place: str) -> Any:
    """A graph with one node of this operator: in itself, or in a function that is called or not."""
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef()
    graph.node.add(name="picture", op="Placeholder")
    if place == "graph":
        graph.node.add(name="evil", op=op)
        return graph
    function = graph.library.function.add()
    function.signature.name = "inner"
    function.node_def.add(name="evil", op=op)
    if place == "called function":
        call = graph.node.add(name="call", op="PartitionedCall")
        call.attr["f"].func.name = "inner"
    return graph


@pytest.mark.parametrize("op", HOSTILE)
@pytest.mark.parametrize("place", ["graph", "called function", "unused function"])
def test_an_operator_that_does_more_is_refused_wherever_it_is(op: str, place: str) -> None:
    with pytest.raises(NotAnSsdError, match=rf"evil.pb: its node 'evil'.* is the operator '{op}', which could "):
        require_harmless(graph_with(op, place), "evil.pb")


def test_a_function_that_is_called_like_an_operator_does_not_stand_for_it() -> None:
    graph = graph_with("WriteFile", "unused function")
    graph.library.function[0].signature.name = "Conv2D"
    graph.node.add(name="call", op="Conv2D")
    with pytest.raises(NotAnSsdError, match="of the function 'Conv2D' is the operator 'WriteFile'"):
        require_harmless(graph, "evil.pb")


def test_functions_that_call_each_other_in_a_circle_are_judged_all_the_same() -> None:
    graph = graph_with("inner", "called function")
    require_harmless(graph, "round.pb")
    graph.library.function[0].node_def.add(name="write", op="WriteFile")
    with pytest.raises(NotAnSsdError, match="'write' of the function 'inner' is the operator 'WriteFile'"):
        require_harmless(graph, "round.pb")


def test_every_operator_with_a_state_is_refused_unless_it_was_reviewed() -> None:
    """TensorFlow's own registry is the witness: what it calls stateful has an effect, or depends on one."""
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    operators = op_def_pb2.OpList()
    operators.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    stateful = {operator.name for operator in operators.op if operator.is_stateful}
    known = {operator.name for operator in operators.op}
    assert len(stateful) > 300
    assert stateful & allowed_operators() <= STATEFUL.keys()
    assert not allowed_operators() & set(HOSTILE)
    if known >= STATEFUL.keys():  # of the release that the list was made from
        assert allowed_operators() - FOREIGN <= known


def evil_saved_model(folder: Path, where: str) -> Path:
    """Made in another process: TensorFlow runs what it traces with the current folder as its own."""
    code = f"""
import sys
import tensorflow as tf
class Model(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(tf.ones([3, 3, 3, 8]))
        self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), 0)
    @tf.function(input_signature=[tf.TensorSpec([1, 64, 64, 3], tf.float32, name="image")])
    def run(self, image):
        if {where!r} == "signature":
            with tf.control_dependencies([tf.raw_ops.WriteFile(filename="PWNED", contents="owned")]):
                image = tf.identity(image)
        x = tf.nn.conv2d(image, self.kernel, 16, "SAME")
        boxes, scores = x[..., :4], tf.sigmoid(x[..., 4:7])
        return {{"boxes": tf.reshape(boxes, [1, 16, 4]), "scores": tf.reshape(scores, [1, 16, 3])}}
    @tf.function(input_signature=[])
    def other(self):
        return tf.raw_ops.ReadFile(filename="secret")
model = Model()
if {where!r} != "unused":
    del Model.other
tf.saved_model.save(model, sys.argv[1], signatures={{"serving_default": model.run}})
"""
    path = folder / "model"
    done = subprocess.run([sys.executable, "-c", code, path], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize(("where", "op"), [("signature", "WriteFile"), ("unused", "ReadFile")])
def test_a_saved_model_that_touches_files_is_refused_and_has_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, op: str
) -> None:
    path = evil_saved_model(tmp_path, where)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAnSsdError, match=f"is the operator '{op}'"):
        freeze_saved_model(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model"]


def test_a_saved_model_with_its_own_saver_passes_and_one_that_calls_it_does_not(tmp_path: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    path = evil_saved_model(tmp_path, "nowhere")
    freeze_saved_model(path)
    message = saved_model_pb2.SavedModel()
    message.ParseFromString((path / "saved_model.pb").read_bytes())
    library = message.meta_graphs[0].graph_def.library.function
    saver = next(item.signature.name for item in library if "traced_save" in item.signature.name)
    runner = next(item for item in library if "inference_run" in item.signature.name)
    runner.node_def.add(name="evil", op="StatefulPartitionedCall").attr["f"].func.name = saver
    (path / "saved_model.pb").write_bytes(message.SerializeToString())
    with pytest.raises(NotAnSsdError, match="which could write files"):
        freeze_saved_model(path)


def test_a_saved_model_whose_variables_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    path = evil_saved_model(tmp_path, "nowhere")
    (path / "variables").rename(tmp_path / "elsewhere")
    (path / "variables").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotAnSsdError, match="it is a link, which could lead anywhere"):
        freeze_saved_model(path)


def frozen(folder: Path, op: str) -> Any:
    path = folder / "evil.pb"
    path.write_bytes(graph_with(op, "graph").SerializeToString())
    return read_graph(path)


def tfjs(folder: Path, op: str) -> Any:
    path = folder / "model.json"
    topology = {"node": [{"name": "evil", "op": op, "attr": {}}]}
    path.write_text(json.dumps({"modelTopology": topology, "weightsManifest": []}))
    return read_graph_def(path)


@pytest.mark.parametrize("read", [frozen, tfjs])
def test_every_reader_of_a_graph_asks_the_judge(tmp_path: Path, read: Callable[[Path, str], Any]) -> None:
    with pytest.raises(NotAnSsdError, match="'evil' is the operator 'WriteFile', which could write files"):
        read(tmp_path, "WriteFile")
    read(tmp_path, "Placeholder")


def test_nothing_else_has_tensorflow_read_what_a_stranger_wrote() -> None:
    """Each of these files asks a judge ahead of the call; a checkpoint's object graph holds names alone."""
    readers = {
        r"\.saved_model\.load\(": {"saved_model.py"},
        r"load_model\(": {"keras_model.py"},
        r"\.ParseFromString\(|\.FromString\(": {
            "graph.py",
            "judged_messages.py",
            "saved_model.py",
            "checkpoint_variables.py",
        },
        r"\bParseDict\(": {"tfjs.py"},
        r"allow_pickle=True|\bpickle\.load\(": set(),
    }
    host = Path(edgeproof.__file__).parent
    for pattern, allowed in readers.items():
        found = {path.name for path in host.rglob("*.py") if re.search(pattern, path.read_text(encoding="utf-8"))}
        assert found == allowed, pattern
