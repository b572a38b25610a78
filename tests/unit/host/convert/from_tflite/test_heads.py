"""A .tflite that ends in raw heads becomes a bundle that the agent decodes, whatever its outputs are called."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.contracts import heads_of
from tests.support.networks import tiny_ssd

pytest.importorskip("ai_edge_litert.interpreter")

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.errors import EdgeproofError, NotAnSsdError, UsageError
from edgeproof.inspection.inspection import inspect
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import ScoreConverter, SourceOptions
from edgeproof.tflite.editing import EditableModel
from edgeproof.wording.progress import Progress
from edgeproof_agent.detection.detector import Detection, load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.support.networks.detector_metadata import with_detector_metadata
from tests.support.networks.plain_tflite import packed, schema, without_metadata

SCALES = (tiny_ssd.SCALE_Y, tiny_ssd.SCALE_X, tiny_ssd.SCALE_HEIGHT, tiny_ssd.SCALE_WIDTH)


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    np.save(tmp_path / "anchors.npy", tiny_ssd.anchors())
    return tmp_path / "anchors.npy"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("bright\nred\n")
    return tmp_path / "labels.txt"


def pack(path: Path, out: Path, events: list[Progress] | None = None, **more: Any) -> Bundle:
    """With raw heads, unless `postprocess` says otherwise."""
    stated = SourceOptions(**{"box_scales": SCALES, **more.pop("source", {})})
    more.setdefault("postprocess", PostprocessOptions(in_graph=False))
    options = ExportOptions(name="tiny", source=stated, **more)
    (bundle,) = export(
        path, out, [more.get("variant", Variant.FLOAT32)], None, options, ([] if events is None else events).append
    )
    return bundle


def detect(bundle: Path, side: int = 256) -> Detection:
    detector = load_detector(bundle, import_runtime("ai-edge-litert"), 1)
    return detector.detect(tiny_ssd.draw_square("red", 3, 5, side))


def check_detections(bundle: Path) -> None:
    found = detect(bundle)
    assert found.classes[0] == tiny_ssd.CLASSES.index("red")
    assert found.scores[0] > 0.5
    np.testing.assert_allclose(found.boxes[0], tiny_ssd.square_box(3, 5), atol=0.02)


def file_of(bundle: Path, out: Path, names: Sequence[str] = ("locations", "classes")) -> Path:
    """The raw heads as another tool would write them: other names, and no metadata."""
    manifest = open_bundle(bundle).manifest
    model = EditableModel(without_metadata((bundle / "model.tflite").read_bytes()))
    heads = heads_of(manifest)
    model.keep_outputs([heads.box_encodings, heads.class_scores])
    model.name(["picture"], names)
    out.write_bytes(model.to_bytes())
    return out


def without_activation(path: Path) -> Path:
    """Its class scores are the logits that stood before the sigmoid."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    sigmoid = next(item for item in graph.operators if codes[item.opcodeIndex] == schema.BuiltinOperator.LOGISTIC)
    before, after = int(sigmoid.inputs[0]), int(sigmoid.outputs[0])
    graph.operators.remove(sigmoid)
    for operator in graph.operators:
        operator.inputs = [before if tensor == after else int(tensor) for tensor in operator.inputs]
    graph.outputs = [before if output == after else int(output) for output in graph.outputs]
    for entry in model.signatureDefs[0].outputs:
        entry.tensorIndex = before if entry.tensorIndex == after else entry.tensorIndex
    path.write_bytes(packed(model))
    return path


def test_heads_are_found_by_shape_and_name_and_the_file_stays_as_it_is(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    bundle = pack(path, tmp_path / "out", source={"anchors": str(anchors), "background": True})
    assert bundle.model_path.read_bytes() == path.read_bytes()
    check_detections(bundle.path)
    assert inspect(bundle.path).sound


def test_detections_are_those_of_the_export_with_raw_heads(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path, labels: Path
) -> None:
    exported = tiny_raw_bundles["float32"]
    bundle = pack(exported / "model.tflite", tmp_path / "out", labels=labels, source={"anchors": str(anchors)})
    # A picture of the network's size: a file does not say how its pictures were resized.
    ours, theirs = detect(bundle.path, 64), detect(exported, 64)
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-6)


def test_an_exported_file_brings_its_labels_and_with_them_its_background(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path
) -> None:
    path = tiny_raw_bundles["float32"] / "model.tflite"
    bundle = pack(path, tmp_path / "out", source={"anchors": str(anchors)})
    assert bundle.labels()[bundle.manifest.label_offset :] == ["bright", "red"]
    assert bundle.model_path.read_bytes() == path.read_bytes()


def test_int8_heads_are_packed_as_they_are(tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path) -> None:
    path = file_of(tiny_raw_bundles["int8"], tmp_path / "raw.tflite")
    options = ExportOptions(source=SourceOptions(anchors=str(anchors), background=True, box_scales=SCALES))
    (bundle,) = export(path, tmp_path / "out", [Variant.INT8], None, options)
    check_detections(bundle.path)


def test_options_of_the_suppression_have_an_effect(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    stated = {"anchors": str(anchors), "background": True}
    bundle = pack(path, tmp_path / "out", source=stated, postprocess=PostprocessOptions(max_detections=1))
    assert len(detect(bundle.path).scores) == 1
    with pytest.raises(UsageError, match="--classes-per-detection is 3, and the model has 2 classes"):
        pack(path, tmp_path / "out", source=stated, postprocess=PostprocessOptions(max_classes_per_detection=3))


def test_logits_are_refused_without_a_converter_and_get_one_with_it(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path, labels: Path
) -> None:
    path = without_activation(file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite"))
    stated: dict[str, Any] = {"anchors": str(anchors)}
    with pytest.raises(NotAnSsdError, match=r"these are logits.* --score-converter sigmoid or softmax"):
        pack(path, tmp_path / "out", source=stated, labels=labels)
    with pytest.raises(NotAnSsdError, match=r"lie between -.* these are logits"):
        pack(path, tmp_path / "out", source={**stated, "score_converter": ScoreConverter.IDENTITY}, labels=labels)
    bundle = pack(path, tmp_path / "out", source={**stated, "score_converter": ScoreConverter.SIGMOID}, labels=labels)
    check_detections(bundle.path)
    assert inspect(bundle.path).sound
    expected = detect(tiny_raw_bundles["float32"], 64)
    np.testing.assert_allclose(detect(bundle.path, 64).scores, expected.scores, atol=1e-6)


def test_a_missing_background_column_is_put_there(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path
) -> None:
    """The file's three columns as three classes: the first is the background's, which is never above the others."""
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    (tmp_path / "three.txt").write_text("nothing\nbright\nred\n")
    bundle = pack(path, tmp_path / "out", source={"anchors": str(anchors)}, labels=tmp_path / "three.txt")
    found = detect(bundle.path)
    assert bundle.labels()[found.classes[0]] == "red"
    np.testing.assert_allclose(found.scores[0], detect(tiny_raw_bundles["float32"]).scores[0])
    assert inspect(bundle.path).sound


def with_constant(path: Path, name: str, values: np.ndarray, output: bool = False) -> Path:
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.name, tensor.type, tensor.shape = name, schema.TensorType.FLOAT32, list(values.shape)
    tensor.buffer = len(model.buffers) - 1
    graph = model.subgraphs[0]
    graph.tensors.append(tensor)
    if output:
        graph.outputs = [*(int(item) for item in graph.outputs), len(graph.tensors) - 1]
        model.signatureDefs = None
    path.write_bytes(packed(model))
    return path


@pytest.mark.parametrize("stated", [{}, {"anchors": "prior_boxes"}])
def test_anchors_are_found_among_the_constants(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, stated: dict[str, str]
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    with_constant(path, "prior_boxes", tiny_ssd.anchors())
    check_detections(pack(path, tmp_path / "out", source={"background": True, **stated}).path)


def test_anchors_among_the_outputs_are_taken_and_left_out_of_the_bundle_s_outputs(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    with_constant(path, "prior_boxes", tiny_ssd.anchors(), output=True)
    # Without a signature the tensors' names tell.
    bundle = pack(path, tmp_path / "out", source={"background": True})
    check_detections(bundle.path)
    assert [output.shape for output in inspect(bundle.path).file.outputs] == [(1, 64, 4), (1, 64, 3)]


def test_without_anchors_the_error_lists_outputs_and_constants(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    with pytest.raises(UsageError, match=r"--anchors(.|\n)*locations \[1, 64, 4\](.|\n)*constants"):
        pack(path, tmp_path / "out", source={"background": True})
    with_constant(with_constant(path, "first", tiny_ssd.anchors()), "second", tiny_ssd.anchors())
    with pytest.raises(UsageError, match=r"constants of four columns:\n  first \[64, 4\]\n  second \[64, 4\]"):
        pack(path, tmp_path / "out", source={"background": True})


def test_heads_that_are_not_clear_are_listed_and_can_be_named(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite", ("a", "b"))
    with_constant(path, "anchors", tiny_ssd.anchors())
    stated = {"anchors": str(anchors), "background": True}
    check_detections(pack(path, tmp_path / "out", source=stated).path)
    with pytest.raises(NotAnSsdError, match=r"no output 'c' \(--boxes\)(.|\n)*a \[1, 64, 4\]\n  b \[1, 64, 3\]"):
        pack(path, tmp_path / "out", source={**stated, "boxes": "c"})


def test_without_labels_or_a_word_the_background_is_asked_for(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, anchors: Path
) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    with pytest.raises(UsageError, match=r"3 columns, and nothing says whether the first is the background"):
        pack(path, tmp_path / "out", source={"anchors": str(anchors)})


def test_a_classifier_is_no_detector(tiny_raw_bundles: dict[str, Path], tmp_path: Path) -> None:
    path = file_of(tiny_raw_bundles["float32"], tmp_path / "raw.tflite")
    model = EditableModel(path.read_bytes())
    model.keep_outputs([1])
    model.name(["picture"], ["probabilities"])
    path.write_bytes(model.to_bytes())
    words = r"not the raw heads of an SSD either(.|\n)*Its outputs:\n  probabilities \[1, 64, 3\]"
    with pytest.raises(NotAnSsdError, match=words):
        pack(path, tmp_path / "out")


def test_a_machine_without_an_interpreter_is_told_what_to_install(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.convert.from_tflite.export.runtime_for_files", lambda: None)
    with pytest.raises(EdgeproofError, match="pip install ai-edge-litert"):
        pack(tiny_raw_bundles["float32"] / "model.tflite", tmp_path / "out")


def described(path: Path, source: Path, **more: Any) -> Path:
    low, high = tiny_ssd.anchors()[:, :2], tiny_ssd.anchors()[:, 2:]
    centres = np.concatenate([(low + high) / 2, high - low], axis=1)
    path.write_bytes(with_detector_metadata(source.read_bytes(), centres, SCALES, **more))
    return path


def test_anchors_and_scales_of_model_makers_metadata_are_taken(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, labels: Path
) -> None:
    file = file_of(tiny_raw_bundles["float32"], tmp_path / "plain.tflite")
    events: list[Progress] = []
    source = {"box_scales": None}
    bundle = pack(described(tmp_path / "m.tflite", file), tmp_path / "out", events, labels=labels, source=source)
    assert any("anchors as centre by its metadata" in event.text for event in events)
    scales = heads_of(bundle.manifest).box_scales
    assert (scales.y, scales.x, scales.height, scales.width) == SCALES
    check_detections(bundle.path)


def test_what_was_said_goes_before_model_makers_metadata(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, labels: Path
) -> None:
    file = file_of(tiny_raw_bundles["float32"], tmp_path / "plain.tflite")
    np.save(tmp_path / "own.npy", tiny_ssd.anchors() * 0.5)
    said = {"box_scales": (1.0, 2.0, 3.0, 4.0), "anchors": str(tmp_path / "own.npy")}
    bundle = pack(described(tmp_path / "m.tflite", file), tmp_path / "out", labels=labels, source=said)
    assert heads_of(bundle.manifest).box_scales.height == 3
    height, width = (tiny_ssd.anchors()[0, 2:] - tiny_ssd.anchors()[0, :2]) * 0.5
    np.testing.assert_allclose(np.load(bundle.path / "anchors.npy")[0, 2:], [height, width], atol=1e-6)


def test_metadata_of_sides_that_are_no_logarithms_is_refused(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, labels: Path
) -> None:
    file = file_of(tiny_raw_bundles["float32"], tmp_path / "plain.tflite")
    with pytest.raises(NotAnSsdError, match="heights and widths of its boxes are no logarithms"):
        pack(described(tmp_path / "m.tflite", file, exponential=False), tmp_path / "out", labels=labels)
