"""What is fuzzed: every reader of a file that a stranger wrote, and both directions of the protocol.

A target gets bytes and a folder of its own; what it raises beyond `expected` is a finding.
"""

import contextlib
import io
import json
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeproof.board.doctor.examination import parse_examination
from edgeproof.board.doctor.processor import processor
from edgeproof.board.doctor.system import system
from edgeproof.board.facts import parse_facts
from edgeproof.board.store.inventory import parse_inventory
from edgeproof.bundle import open_bundle
from edgeproof.check.matrix import gates_of
from edgeproof.config.boards import all_boards
from edgeproof.config.check import read_check
from edgeproof.datasets.coco import read_coco
from edgeproof.datasets.voc import read_voc
from edgeproof.datasets.yolo import read_yolo
from edgeproof.errors import EdgeproofError
from edgeproof.local_files.coco_dataset import coco_pictures
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.detections import PictureResult
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.report.sinks.junit import junit_xml
from edgeproof.report.sinks.markdown import markdown
from edgeproof.runs.arrived_results import ArrivedResults
from edgeproof.ssd.checkpoint.config_file import read_config
from edgeproof.ssd.files.anchors import read_anchors
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.readers.keras_safety import require_harmless_keras
from edgeproof.ssd.readers.tfjs_weights import read_weights
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.graph import four_column_constants, last_activation, suppression_in
from edgeproof.tflite.metadata_reader import read_metadata, read_packed_labels
from edgeproof.tflite.output_map import map_outputs
from edgeproof.tflite.problems import file_problems
from edgeproof.tflite.read_budget import readable
from edgeproof.verify.rederive import discrepancies, unchecked
from edgeproof_agent.bundle.manifest import ManifestError
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from edgeproof_agent.pictures.decoding import PictureError, decode_picture
from edgeproof_agent.pictures.header import HeaderError, read_size
from edgeproof_agent.store.chunks import unpack_chunks
from edgeproof_agent.store.objects import Store, StoreError
from edgeproof_agent.store.operations import StoreOperations
from edgeproof_agent.wire.answering import serve
from edgeproof_agent.wire.fields import FieldError, Fields
from edgeproof_agent.wire.frames import FrameError, decode_header, encode_frame, read_frame
from edgeproof_agent.wire.link import Link
from tests.fuzz.mutating import Mutate, mutate_bytes, mutate_json
from tests.support import sample_report
from tests.support.boards.profiles import probe_of
from tests.support.boards.recorded_boards import FOLDER as RECORDINGS
from tests.support.example_manifest import MANIFEST
from tests.support.label_files import voc_annotation, voc_object
from tests.support.networks.plain_tflite import packed, schema
from tests.support.places import ROOT
from tests.support.sample_accuracy import evaluated

OLDER_REPORT = ROOT / "tests" / "support" / "reports" / "schema_1.json"

Feed = Callable[[bytes, Path], object]


@dataclass(frozen=True)
class Target:
    name: str
    feed: Feed
    seeds: Callable[[], Sequence[bytes]]
    expected: tuple[type[Exception], ...] = (EdgeproofError,)
    mutate: Mutate = mutate_bytes
    inputs: int = 3000
    """In `make test`: about a second's."""


def _as_file(name: str, read: Callable[[Path], object]) -> Feed:
    def feed(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return feed


def _worked_out(path: Path) -> None:
    report = read_report(path)
    discrepancies(report)
    unchecked(report)
    junit_xml(report)
    markdown(report)


def _labels_of(name: str, read: Callable[[Path], object], beside: str, folder_of: str = ".") -> Feed:
    """A file of a labelled data set, with a picture and what else it takes `beside` it."""

    def feed(data: bytes, folder: Path) -> object:
        for place in (name, beside, "data.yaml"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data.yaml").write_text(_YOLO)
        (folder / beside).write_bytes(b"x")
        (folder / name).write_bytes(data)
        return read(folder / folder_of)

    return feed


def _arrived(data: bytes, folder: Path) -> None:
    with ArrivedResults(folder, ["x"]) as arrived:
        arrived.add(PictureResult("a.jpg", 4, 4))
    (path,) = folder.glob("*.jsonl")
    path.write_bytes(data)
    with ArrivedResults(folder, ["x"]):
        pass


def _checked(path: Path) -> None:
    config = read_check(path)
    if config is not None:
        gates_of(config.gates, path)


def _as_fields(parse: Callable[[Fields], object]) -> Feed:
    def feed(data: bytes, folder: Path) -> object:
        return parse(Fields(decode_header(data)))

    return feed


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _reports() -> Sequence[bytes]:
    found = evaluated()
    full = replace(
        sample_report.run(),
        parity=sample_report.parity(),
        claims=sample_report.claims(),
        accuracy=replace(found.accuracy, samples=None),
        precision_recall=found.curves[:1],
    )
    runs = (replace(full, latency=None, stream=sample_report.stream(), error="x"), full)
    report = Report(runs, created="x", comparisons=(sample_report.comparison(),))
    return [json.dumps(report.to_json()).encode(), OLDER_REPORT.read_bytes()]


def _texts(*texts: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]


def _tflite() -> Sequence[bytes]:
    """A small network with weights, metadata's place, a signature and a custom operator."""
    model = schema.ModelT()
    model.version = 3
    codes = []
    for builtin, custom in ((schema.BuiltinOperator.CONV_2D, None), (32, b"TFLite_Detection_PostProcess")):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.customCode = custom
        codes.append(code)
    tensors = []
    for place, (name, shape) in enumerate(
        (
            ("image", [1, 8, 8, 3]),
            ("weights", [4, 3, 3, 3]),
            ("anchors", [10, 4]),
            ("boxes", [1, 10, 4]),
            ("scores", [1, 10, 3]),
        )
    ):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name.encode(), shape, place
        tensors.append(tensor)
    buffers = [schema.BufferT() for _ in tensors]
    buffers[1].data, buffers[2].data = [7] * 432, [0] * 160
    graph = schema.SubGraphT()
    operators = []
    for code_index, inputs, outputs in ((0, [0, 1, -1], [3]), (1, [3, 4, 2], [3, 4])):
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = code_index, inputs, outputs
        operators.append(operator)
    operators[1].customOptions = list(_attributes())
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, operators, [0], [3, 4]
    model.operatorCodes, model.subgraphs, model.buffers = codes, [graph], buffers
    model.description = b"a test"
    return [packed(model)]


def _attributes() -> bytes:
    from flatbuffers import flexbuffers

    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Int("max_detections", 10)
        builder.Float("y_scale", 10.0)
    return bytes(builder.Finish())


def _read_tflite(data: bytes, folder: Path) -> None:
    file = read_tflite(data, "model.tflite")
    metadata = read_metadata(data, "model.tflite")
    with contextlib.suppress(EdgeproofError):
        read_packed_labels(data, metadata, "model.tflite")
    list(file_problems(file, map_outputs(file)))
    with readable("model.tflite"):
        four_column_constants(data)
        suppression_in(data)
        for place in range(min(len(file.outputs), 4)):
            last_activation(data, place)


def _pictures() -> Sequence[bytes]:
    picture = np.random.default_rng(1).integers(0, 256, (13, 17, 3), np.uint8)
    return [
        bytes(cv2.imencode(kind, picture)[1]) for kind in (".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm", ".pam")
    ]


def _decode(data: bytes, folder: Path) -> None:
    with contextlib.suppress(HeaderError):
        read_size(data)
    decode_picture(data, max_pixels=1 << 20)


def _keras() -> Sequence[bytes]:
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(
            "config.json", json.dumps({"module": "keras", "class_name": "Functional", "config": {"layers": []}})
        )
        archive.writestr("metadata.json", "{}")
    return [stream.getvalue()]


def _bundle(data: bytes, folder: Path) -> None:
    path = folder / "bundle"
    path.mkdir(exist_ok=True)
    (path / "bundle.json").write_bytes(data)
    open_bundle(path)


def _manifest(data: bytes, folder: Path) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(data)
        try:
            parse_manifest(document)
        except ManifestError:
            return


def _weights(data: bytes, folder: Path) -> None:
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        return
    (folder / "shard").write_bytes(bytes(64))
    read_weights(manifest, folder, "model.json")


def _tfjs_seeds() -> Sequence[bytes]:
    entry = {
        "name": "w",
        "shape": [4, 4],
        "dtype": "float32",
        "quantization": {"dtype": "uint8", "scale": 0.1, "min": 0},
    }
    plain = {"name": "w", "shape": [2, 4], "dtype": "float32"}
    lists = ([plain, {**plain, "name": "v"}], [{**entry, "name": str(place)} for place in range(4)])
    return [json.dumps([{"paths": ["shard"], "weights": weights}]).encode() for weights in lists]


def _examined(fields: Fields) -> None:
    recorded = fields.nested("examination") if "examination" in fields else fields
    facts = parse_facts(fields.nested("probe")) if "probe" in fields else parse_facts(Fields(probe_of()))
    examination = parse_examination(recorded, 0, 1)
    list(system(facts, examination, emulated=False))
    list(processor(facts, examination))


def _recordings() -> Sequence[bytes]:
    return [path.read_bytes() for path in sorted(RECORDINGS.glob("*.json"))]


def _frames(data: bytes, folder: Path) -> None:
    stream = io.BytesIO(data)
    while read_frame(stream.read) is not None:
        pass


def _requests() -> Sequence[bytes]:
    requests: list[dict[str, Any]] = [
        {"op": "hello", "protocol": 1},
        {"op": "inventory"},
        {"op": "status"},
        {
            "op": "begin",
            "kind": "bundles",
            "digest": "a" * 64,
            "files": [{"name": "x", "size_bytes": 3, "sha256": "b" * 64}],
        },
        {"op": "put", "kind": "bundles", "digest": "a" * 64, "file": "x", "offset": 0},
        {"op": "finish", "kind": "bundles", "digest": "a" * 64},
        {"op": "verify", "digest": "a" * 64},
        {"op": "switch", "app": "x", "digest": "a" * 64, "wait_seconds": 0},
        {"op": "prune", "wanted": {"bundles": []}, "dry_run": True, "wait_seconds": 0},
    ]
    framed = [encode_frame({"id": number, **request}, b"abc") for number, request in enumerate(requests, start=1)]
    return [*framed, b"".join(framed)]


def _serve_store(data: bytes, folder: Path) -> None:
    """The real service of a store on pipes: whatever comes, it answers or ends, and writes in its folder alone."""
    (folder / "home").mkdir(exist_ok=True)
    store = Store(folder / "home" / ".edgeproof")
    reading, writing = os.pipe()
    answers = os.open(os.devnull, os.O_WRONLY)
    os.write(writing, data[: 1 << 15])
    os.close(writing)
    try:
        if serve(Link(reading, answers), StoreOperations(store).table()) not in (0, 3):
            raise AssertionError("it ended with another status")
    finally:
        store.unlock()
        os.close(reading)
        os.close(answers)
    if {entry.name for entry in folder.iterdir()} - {"home"} or {
        entry.name for entry in (folder / "home").iterdir()
    } - {".edgeproof"}:
        raise AssertionError("it wrote elsewhere")


def _talk(data: bytes, folder: Path) -> None:
    """A host that loads, detects, measures and streams, and hears this."""
    from tests.unit.host.board.agent.test_hostile_agent import FakeChannel, talk_to_agent

    talk_to_agent(FakeChannel([data]))


def _answers() -> Sequence[bytes]:
    from tests.unit.host.board.agent.test_hostile_agent import AGENT_ANSWERS, encode

    return [encode(AGENT_ANSWERS), *(encode(AGENT_ANSWERS[:count]) for count in (1, 2, 3, 5))]


def _chunks(data: bytes, folder: Path) -> None:
    head, _, payload = data.partition(b"\n")
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(head)
        if isinstance(document, dict):
            unpack_chunks(Fields(document), payload)


_LABEL_MAP = 'item { id: 1 name: "a" display_name: "b" }\nitem { id: 3 name: "c" }\n'
_BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2.5, 3, 4], "area": 9.5, "iscrowd": 0}
_COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}],
        "annotations": [_BOX],
        "categories": [{"id": 1, "name": "a"}],
    }
)
_VOC = voc_annotation(voc_object("bike", (1.0, 2.0, 3.0, 4.0), "<difficult>1</difficult>"))
_YOLO = "path: .\nval: [images/val, val]\nnames: {0: a, 1: b}\n"
_ARRIVED = '{"name": "a.jpg", "width": 4, "height": 4, "boxes": [[0, 0, 1, 1]], "classes": [1], "scores": [0.5]}\n'
_CONFIG = "model { ssd { num_classes: 3 image_resizer { fixed_shape_resizer { height: 8 width: 8 } } } }\n"
_TOML = '[boards.pi]\nhost = "pi@10.0.0.7:22"\nport = 22\npython = "python3"\n[boards.b]\nhost = "x"\nuser = "y"\n'
_CHECK = """[check]
bundles = ["bundles/*"]
threads = [1, 4]
runs = 60
seconds = 5.5
[check.gates]
total = ["p95 < 80 ms", "p50 burst <= 1 s"]
accuracy = "map drop vs float32 <= 0.01"
size = "< 6 MB"
"""
_INVENTORY = {
    "agents": ["a" * 64],
    "bundles": ["b" * 64],
    "runtimes": [{"digest": "c" * 64, "name": "tflite-runtime", "version": "2.14.0", "python": "3.11.2"}],
    "apps": {"app": {"current": "b" * 64, "previous": None}},
    "signers": ["ssh-ed25519 AAAA"],
}

TARGETS = {
    target.name: target
    for target in (
        Target(
            "anchors-npy", _as_file("a.npy", read_anchors), lambda: [_npy(np.ones((3, 4), np.float32)), _npy(np.eye(4))]
        ),
        Target(
            "anchors-json",
            _as_file("a.json", lambda path: read_anchors(path, size=(64, 64))),
            _texts(
                '{"format": "centre", "boxes": [[0.1, 0.2, 0.3, 0.4]], "box_scales": [10, 10, 5, 5]}',
                '{"file": "a.npy"}',
                "[[0.1, 0.2, 0.3, 0.4]]",
                '{"generator": "mediapipe", "num_layers": 2, "min_scale": 0.1, "max_scale": 0.7, "strides": [8, 16], '
                '"aspect_ratios": [1.0, 2.0], "fixed_anchor_size": false}',
                '{"generator": "torchvision-ssd", "aspect_ratios": [[2], [2, 3]], "feature_maps": [[4, 4], [2, 2]]}',
                '{"generator": "efficientdet", "min_level": 3, "max_level": 5, "anchor_scale": 4.0}',
            ),
            mutate=mutate_json,
        ),
        Target(
            "labels-txt",
            _as_file("l.txt", lambda path: read_labels(path, 3)),
            _texts("a\nb\nc\n", "0  a\n1  b\n2  c\n", "0,a\n1,b\n", "???\na\nb\nc\n", _LABEL_MAP),
        ),
        Target(
            "labels-yaml",
            _as_file("l.yaml", lambda path: read_labels(path, 3)),
            _texts(
                "names:\n  0: a\n  1: b\n", "names: [a, 'b', \"c\"]\n", "names: {0: a}\n", "nc: 1\nnames:\n- a\n- b\n"
            ),
        ),
        Target(
            "labels-json",
            _as_file("l.json", lambda path: read_labels(path, 1)),
            _texts(_COCO, '["a", "b"]', '{"0": "a"}'),
            mutate=mutate_json,
        ),
        Target("label-map", _as_file("l.pbtxt", lambda path: read_labels(path, 3)), _texts(_LABEL_MAP)),
        Target("pipeline-config", _as_file("pipeline.config", read_config), _texts(_CONFIG)),
        Target("coco", _as_file("c.json", coco_pictures), _texts(_COCO), mutate=mutate_json),
        Target(
            "coco-labels",
            _labels_of("c.json", read_coco, "a.jpg", "c.json"),
            _texts(_COCO),
            mutate=mutate_json,
            inputs=1000,
        ),
        Target("voc", _labels_of("Annotations/a.xml", read_voc, "JPEGImages/a.jpg"), _texts(_VOC), inputs=1000),
        Target("yolo", _labels_of("data.yaml", read_yolo, "val/a.jpg", "data.yaml"), _texts(_YOLO), inputs=500),
        Target(
            "yolo-labels",
            _labels_of("labels/val/a.txt", read_yolo, "images/val/a.jpg", "data.yaml"),
            _texts("0 .5 .5 .1 .1\n1 .1 .1 .2 .1 .3 .4\n"),
            inputs=500,
        ),
        Target("arrived", _arrived, _texts(_ARRIVED), mutate=mutate_json, inputs=1000),
        Target("tfjs-weights", _weights, _tfjs_seeds, mutate=mutate_json),
        Target("tflite", _read_tflite, _tflite, inputs=1500),
        Target("report", _as_file("report.json", _worked_out), _reports, mutate=mutate_json, inputs=1000),
        Target("keras", _as_file("m.keras", require_harmless_keras), _keras, inputs=1000),
        Target("bundle", _bundle, lambda: [json.dumps(MANIFEST.to_json()).encode()], mutate=mutate_json),
        Target("manifest", _manifest, lambda: [json.dumps(MANIFEST.to_json()).encode()], mutate=mutate_json),
        Target("check-toml", _as_file("edgeproof.toml", _checked), _texts(_CHECK)),
        Target("edgeproof-toml", _as_file("edgeproof.toml", all_boards), _texts(_TOML)),
        Target(
            "outputs",
            _as_file("outputs.json", lambda path: OutputFolder.open(path.parent).claim("b")),
            _texts('{"schema": "edgeproof.outputs/1", "files": {"a": null, "b/c": "x"}}'),
            mutate=mutate_json,
            inputs=500,
        ),
        Target("pictures", _decode, _pictures, (PictureError,), inputs=2000),
        Target(
            "examination",
            _as_fields(_examined),
            _recordings,
            (FrameError, FieldError, EdgeproofError),
            mutate=mutate_json,
            inputs=1000,
        ),
        Target(
            "inventory",
            _as_fields(parse_inventory),
            lambda: [json.dumps(_INVENTORY).encode()],
            (FrameError, FieldError, EdgeproofError),
            mutate=mutate_json,
        ),
        Target(
            "chunks",
            _chunks,
            lambda: [
                json.dumps({"chunks": [{"file": "model.tflite", "pieces": 2}]}).encode()
                + b"\n"
                + struct.pack("<II", 3, 4)
                + bytes(40)
            ],
            (FieldError, StoreError),
        ),
        Target(
            "frames",
            _frames,
            lambda: [encode_frame({"id": 1, "op": "x"}, b"payload"), encode_frame({"id": 2})],
            (FrameError,),
        ),
        Target("host-to-store", _serve_store, _requests, (), inputs=600),
        Target("agent-to-host", _talk, _answers, (EdgeproofError,), inputs=1000),
    )
}
